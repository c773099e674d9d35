import { spawn, type ChildProcess, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { status, type ServerWritableStream } from "@grpc/grpc-js";
import type { AnalyzerStackConfigureRequest } from "@pulumi/pulumi/proto/analyzer_pb.js";
import languageProto from "@pulumi/pulumi/proto/language_pb.js";
import type { RunPluginRequest, RunPluginResponse } from "@pulumi/pulumi/proto/language_pb.js";
import { createPluginServer, listen } from "../plugin-process.ts";
import { RpcError } from "../rpc-errors.ts";
import { PolicyProxy } from "./policy-proxy.ts";

type PluginCall = ServerWritableStream<RunPluginRequest, RunPluginResponse>;

/**
 * Starts policy packs with the runner of their own SDK, as the published language host does.
 * Source: https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/nodejs/cmd/pulumi-language-nodejs/main.go
 */
export class PolicyPacks {
  readonly #running = new Set<ChildProcess>();

  /** Ends all running packs. */
  stop(): void {
    for (const pack of this.#running) {
      pack.kill("SIGKILL");
    }
  }

  /**
   * Runs a policy pack until the engine ends the call, and sends what it prints to the engine: the port first.
   * @throws RpcError when the pack cannot be started, or ends on its own
   */
  async run(call: PluginCall): Promise<void> {
    const { request } = call;
    const directory = request.getInfo()?.getProgramDirectory() ?? request.getPwd();
    if (request.getKind() !== "analyzer") {
      throw new RpcError(status.UNIMPLEMENTED, `the sandbox's language host runs no plugin such as ${directory}`);
    }
    const runner = policyRunner(directory);
    const ended = once(call, "cancelled").then(() => undefined);
    const proxy = new PolicyProxy();
    const server = createPluginServer();
    proxy.addTo(server);
    try {
      call.write(new languageProto.RunPluginResponse().setStdout(Buffer.from(`${await listen(server)}\n`)));
      const stack = await Promise.race([proxy.stack, ended]);
      if (!call.cancelled) {
        const pack = spawn(process.execPath, [runner, ...request.getArgsList(), directory], {
          cwd: directory,
          stdio: ["ignore", "pipe", "pipe"],
          env: { ...environmentOf(request), ...(stack === undefined ? {} : stackEnvironment(stack)) },
        });
        this.#running.add(pack);
        try {
          await Promise.race([this.#serve(pack, proxy, call), ended]);
        } finally {
          pack.kill("SIGKILL");
          this.#running.delete(pack);
        }
      }
    } finally {
      server.forceShutdown();
    }
  }

  /** Serves the pack's answers and output until it ends. */
  async #serve(pack: ChildProcessByStdio<null, Readable, Readable>, proxy: PolicyProxy, call: PluginCall) {
    const lines = createInterface(pack.stdout);
    lines.once("line", (port) => {
      void proxy.attach(Number(port));
      lines.on("line", (line) => {
        call.write(new languageProto.RunPluginResponse().setStdout(Buffer.from(`${line}\n`)));
      });
    });
    pack.stderr.on("data", (data: Buffer) => {
      call.write(new languageProto.RunPluginResponse().setStderr(data));
    });
    const [code] = (await once(pack, "close")) as [number | null];
    // Has no effect on a pack that has told its port.
    proxy.fail(new RpcError(status.UNKNOWN, "policy pack not started: could not read policy pack port"));
    if (code !== 0) {
      throw new RpcError(status.UNKNOWN, `Program exited with non-zero exit code: ${code ?? "none"}`);
    }
  }
}

function policyRunner(directory: string): string {
  try {
    return createRequire(join(directory, "_")).resolve("@pulumi/pulumi/cmd/run-policy-pack");
  } catch {
    throw new RpcError(
      status.UNKNOWN,
      `It looks like the Pulumi SDK has not been installed. Have you run npm install in ${directory}?`,
    );
  }
}

/** The engine gives the whole environment, as `KEY=value`. */
function environmentOf(request: RunPluginRequest): NodeJS.ProcessEnv {
  return Object.fromEntries(
    request.getEnvList().map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}

/** What `pulumi.getStack()`, `pulumi.Config` and the like read in a pack. */
function stackEnvironment(stack: AnalyzerStackConfigureRequest): NodeJS.ProcessEnv {
  return {
    PULUMI_NODEJS_ORGANIZATION: stack.getOrganization(),
    PULUMI_NODEJS_PROJECT: stack.getProject(),
    PULUMI_NODEJS_STACK: stack.getStack(),
    PULUMI_NODEJS_DRY_RUN: String(stack.getDryRun()),
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(stack.getConfigMap().toObject(true))),
  };
}
