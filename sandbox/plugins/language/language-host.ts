import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import type { Server, ServerWritableStream } from "@grpc/grpc-js";
import languageGrpc from "@pulumi/pulumi/proto/language_grpc_pb.js";
import languageProto from "@pulumi/pulumi/proto/language_pb.js";
import type * as pb from "@pulumi/pulumi/proto/language_pb.js";
import pluginProto from "@pulumi/pulumi/proto/plugin_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import { RpcError, toServiceError } from "../rpc-errors.ts";
import { unary } from "../rpc-methods.ts";
import { ProgramRunner } from "./program-runner.ts";
import { PolicyPacks } from "./policy-packs.ts";
import { findPluginPackages } from "./plugin-packages.ts";
import type { PluginPackage } from "./plugin-packages.ts";

/** Runs Pulumi programs for the engine: the part of `pulumi-language-nodejs` that commands such as `pulumi up` need. */
export class GrpcLanguageHost {
  readonly #runner: ProgramRunner;
  readonly #policyPacks = new PolicyPacks();

  /** @param engineAddress `host:port` that the program sends its log messages to */
  constructor(engineAddress: string) {
    this.#runner = new ProgramRunner(engineAddress);
  }

  /** Ends the running program and policy packs, if any. */
  stop(): void {
    this.#runner.stop();
    this.#policyPacks.stop();
  }

  /** Makes the server answer the engine's calls. */
  addTo(server: Server): void {
    const plugins = (request: { getInfo(): pb.ProgramInfo | undefined }) =>
      findPluginPackages(request.getInfo()?.getProgramDirectory() ?? process.cwd());

    server.addService(languageGrpc.LanguageRuntimeService, {
      handshake: unary(() => new languageProto.LanguageHandshakeResponse()),
      getPluginInfo: unary(() => new pluginProto.PluginInfo().setVersion(sdkVersion(process.cwd()))),
      getRequiredPlugins: unary((request: pb.GetRequiredPluginsRequest) =>
        new languageProto.GetRequiredPluginsResponse().setPluginsList(
          plugins(request).map((found) => fill(new pluginProto.PluginDependency(), found)),
        ),
      ),
      getRequiredPackages: unary((request: pb.GetRequiredPackagesRequest) =>
        new languageProto.GetRequiredPackagesResponse().setPackagesList(
          plugins(request).map((found) => fill(new pluginProto.PackageDependency(), found)),
        ),
      ),
      run: unary(async (request: pb.RunRequest) => {
        const outcome = await this.#runner.run(request);
        return new languageProto.RunResponse().setError(outcome.error).setBail(outcome.bail);
      }),
      installDependencies,
      runPlugin: (call: ServerWritableStream<pb.RunPluginRequest, pb.RunPluginResponse>) => {
        this.#policyPacks.run(call).then(
          () => call.end(),
          (error: unknown) => call.emit("error", toServiceError(error)),
        );
      },
      runtimeOptionsPrompts: unary(() => new languageProto.RuntimeOptionsResponse()),
      template: unary(() => new languageProto.TemplateResponse()),
      about: unary(() =>
        new languageProto.AboutResponse().setExecutable(process.execPath).setVersion(process.version.slice(1)),
      ),
      getProgramDependencies: unary((request: pb.GetProgramDependenciesRequest) =>
        new languageProto.GetProgramDependenciesResponse().setDependenciesList(
          programDependencies(request.getInfo()?.getProgramDirectory() ?? request.getPwd()),
        ),
      ),
      cancel: unary(() => {
        this.#runner.stop();
        return new emptyProto.Empty();
      }),
    });
  }
}

function fill<Message extends PluginNamed>(message: Message, found: PluginPackage): Message {
  message.setName(found.name);
  message.setKind("resource");
  message.setVersion(found.version);
  message.setServer(found.server);
  return message;
}

interface PluginNamed {
  setName(name: string): unknown;
  setKind(kind: string): unknown;
  setVersion(version: string): unknown;
  setServer(server: string): unknown;
}

/** Runs `npm install`; other package managers need the real language host. */
function installDependencies(
  call: ServerWritableStream<pb.InstallDependenciesRequest, pb.InstallDependenciesResponse>,
): void {
  const directory = call.request.getInfo()?.getProgramDirectory() ?? call.request.getDirectory();
  const child = spawn("npm", ["install"], { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.on("data", (data: Buffer) =>
    call.write(new languageProto.InstallDependenciesResponse().setStdout(data)),
  );
  child.stderr.on("data", (data: Buffer) =>
    call.write(new languageProto.InstallDependenciesResponse().setStderr(data)),
  );
  const fail = (reason: string) => {
    call.emit("error", toServiceError(new RpcError(status.UNKNOWN, `npm install in ${directory} failed: ${reason}`)));
  };
  child.on("error", (error) => {
    fail(error.message);
  });
  child.on("close", (code, signal) => {
    if (code === 0) {
      call.end();
    } else if (code === null || code > 0) {
      fail(signal ?? `exit code ${code ?? "none"}`);
    }
  });
}

interface Manifest {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function sdkVersion(directory: string): string {
  try {
    return (createRequire(join(directory, "_"))("@pulumi/pulumi/package.json") as Manifest).version ?? "";
  } catch {
    return "";
  }
}

function programDependencies(directory: string): pb.DependencyInfo[] {
  const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Manifest;
  return Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).map(([name, version]) =>
    new languageProto.DependencyInfo().setName(name).setVersion(version),
  );
}
