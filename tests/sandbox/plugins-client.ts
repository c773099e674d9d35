import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { credentials } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import type * as pb from "@pulumi/pulumi/proto/provider_pb.js";
import statusProto from "@pulumi/pulumi/proto/status_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import { fromStruct, toStruct } from "../../sandbox/plugins/property-values.ts";
import type { Properties } from "../../sandbox/plugins/property-values.ts";

/** How the engine writes a value that is known only after `pulumi up`. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A test, or what else says when to clean up. */
export interface Lifetime {
  after(cleanUp: () => void): void;
}

/** A plugin that runs as a process of its own. */
export interface PluginProcess {
  readonly child: ChildProcess;
  readonly port: number;
  /** What it has written on stdout and stderr so far. */
  output(): string;
}

/** Starts a plugin as the engine does, and ends it with the test. */
export async function startPlugin(
  t: Lifetime,
  file: string,
  env: Readonly<Record<string, string>> = {},
): Promise<PluginProcess> {
  const child = spawn(process.execPath, [file, "127.0.0.1:1"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], ...env },
  });
  t.after(() => {
    child.kill("SIGKILL");
  });
  let output = "";
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  const lines = createInterface(child.stdout);
  lines.on("line", (line) => (output += `${line}\n`));
  const started = once(lines, "line") as Promise<[string]>;
  const ended = once(child, "exit").then(() => {
    throw new Error(`the plugin ended before it had started: ${output}`);
  });
  const [line] = await Promise.race([started, ended]);
  ended.catch(() => undefined);
  return { child, port: Number(line), output: () => output };
}

/** Path of one of the sandbox's plugins. */
export function pluginFile(name: string): string {
  return join(import.meta.dirname, "..", "..", "sandbox", "plugins", `${name}.ts`);
}

/** A resource as a provider tells of it. */
export interface Resource {
  readonly id: string;
  readonly outputs: Properties;
  readonly inputs: Properties;
}

/** What the engine gets when a resource was made, but is not as it should be. */
export interface InitFailure extends Resource {
  readonly reasons: readonly string[];
}

/** Speaks to a provider as the engine does. */
export class ProviderClient {
  readonly #client: InstanceType<typeof providerGrpc.ResourceProviderClient>;

  constructor(t: Lifetime, port: number) {
    this.#client = new providerGrpc.ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
    t.after(() => {
      this.#client.close();
    });
  }

  async configure(pkg: string, config: Readonly<Record<string, string>> = {}): Promise<pb.ConfigureResponse> {
    const request = new providerProto.ConfigureRequest();
    for (const [key, value] of Object.entries(config)) {
      request.getVariablesMap().set(`${pkg}:config:${key}`, value);
    }
    return this.#call((done) => this.#client.configure(request, done));
  }

  async pluginVersion(): Promise<string> {
    const info = await this.#call<{ getVersion(): string }>((done) =>
      this.#client.getPluginInfo(new emptyProto.Empty(), done),
    );
    return info.getVersion();
  }

  async handshake(): Promise<pb.ProviderHandshakeResponse> {
    return this.#call((done) => this.#client.handshake(new providerProto.ProviderHandshakeRequest(), done));
  }

  async check(
    type: string,
    inputs: Properties,
    olds: Properties = {},
  ): Promise<{ inputs: Properties; failures: Record<string, string> }> {
    const request = new providerProto.CheckRequest()
      .setUrn(urn(type))
      .setNews(toStruct(inputs))
      .setOlds(toStruct(olds));
    const response = await this.#call<pb.CheckResponse>((done) => this.#client.check(request, done));
    const failures = response.getFailuresList().map((failure) => [failure.getProperty(), failure.getReason()]);
    return {
      inputs: fromStruct(response.getInputs()),
      failures: Object.fromEntries(failures) as Record<string, string>,
    };
  }

  /** @returns what would change, such as `{"tags[0]": "UPDATE"}` */
  async diff(
    type: string,
    resource: { readonly id: string; readonly outputs: Properties; readonly inputs: Properties },
    newInputs: Properties,
  ): Promise<{ changes: Record<string, string>; replaces: string[]; deleteBeforeReplace: boolean }> {
    const request = new providerProto.DiffRequest()
      .setUrn(urn(type))
      .setId(resource.id)
      .setOlds(toStruct(resource.outputs))
      .setOldInputs(toStruct(resource.inputs))
      .setNews(toStruct(newInputs));
    const response = await this.#call<pb.DiffResponse>((done) => this.#client.diff(request, done));
    const kinds = Object.entries(providerProto.PropertyDiff.Kind);
    const changes: Record<string, string | undefined> = {};
    response.getDetaileddiffMap().forEach((difference, path) => {
      const kind: number = difference.getKind();
      changes[path] = kinds.find(([, value]) => Number(value) === kind)?.[0];
    });
    return {
      changes: changes as Record<string, string>,
      replaces: response.getReplacesList(),
      deleteBeforeReplace: response.getDeletebeforereplace(),
    };
  }

  async create(
    type: string,
    inputs: Properties,
    options: { readonly preview?: boolean; readonly timeout?: number } = {},
  ): Promise<Resource> {
    const request = new providerProto.CreateRequest()
      .setUrn(urn(type))
      .setProperties(toStruct(inputs))
      .setPreview(options.preview ?? false)
      .setTimeout(options.timeout ?? 0);
    const response = await this.#call<pb.CreateResponse>((done) => this.#client.create(request, done));
    return { id: response.getId(), outputs: fromStruct(response.getProperties()), inputs };
  }

  /** @returns undefined where the provider says that it is gone */
  async read(type: string, id: string, known?: Resource): Promise<Resource | undefined> {
    const request = new providerProto.ReadRequest()
      .setUrn(urn(type))
      .setId(id)
      .setProperties(toStruct(known?.outputs ?? {}))
      .setInputs(toStruct(known?.inputs ?? {}));
    const response = await this.#call<pb.ReadResponse>((done) => this.#client.read(request, done));
    return response.getId() === ""
      ? undefined
      : {
          id: response.getId(),
          outputs: fromStruct(response.getProperties()),
          inputs: fromStruct(response.getInputs()),
        };
  }

  async update(type: string, resource: Resource, inputs: Properties, preview = false): Promise<Resource> {
    const request = new providerProto.UpdateRequest()
      .setUrn(urn(type))
      .setId(resource.id)
      .setOlds(toStruct(resource.outputs))
      .setOldInputs(toStruct(resource.inputs))
      .setNews(toStruct(inputs))
      .setPreview(preview);
    const response = await this.#call<pb.UpdateResponse>((done) => this.#client.update(request, done));
    return { id: resource.id, outputs: fromStruct(response.getProperties()), inputs };
  }

  async delete(type: string, resource: Resource): Promise<void> {
    const request = new providerProto.DeleteRequest()
      .setUrn(urn(type))
      .setId(resource.id)
      .setProperties(toStruct(resource.outputs))
      .setOldInputs(toStruct(resource.inputs));
    await this.#call((done) => this.#client.delete(request, done));
  }

  async cancel(): Promise<void> {
    await this.#call((done) => this.#client.cancel(new emptyProto.Empty(), done));
  }

  #call<Answer>(start: (done: (error: ServiceError | null, answer: Answer) => void) => unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      start((error, answer) => {
        if (error) {
          reject(error);
        } else {
          resolve(answer);
        }
      });
    });
  }
}

/** @returns the half-made resource that an error of the provider carries, if any */
export function initFailure(error: unknown): InitFailure | undefined {
  const [header] = (error as ServiceError).metadata.get("grpc-status-details-bin");
  if (header === undefined) {
    return undefined;
  }
  const [detail] = statusProto.Status.deserializeBinary(header as Buffer).getDetailsList();
  const failure = detail?.unpack(
    (bytes) => providerProto.ErrorResourceInitFailed.deserializeBinary(bytes),
    "pulumirpc.ErrorResourceInitFailed",
  );
  return failure
    ? {
        id: failure.getId(),
        outputs: fromStruct(failure.getProperties()),
        inputs: fromStruct(failure.getInputs()),
        reasons: failure.getReasonsList(),
      }
    : undefined;
}

/** @returns whether the value is marked as a secret on its way to the engine */
export function isSecret(value: unknown): boolean {
  const marks = value as Readonly<Record<string, unknown>> | undefined;
  return marks?.["4dabf18193072939515e22adb298388d"] === "1b47061264138c4ac30d75fd1eb44270";
}

/** @returns the properties without secret marks, as the engine hands them back */
export function unmarked(properties: Properties): Properties {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      isSecret(value) ? (value as { readonly value: unknown }).value : value,
    ]),
  );
}

function urn(type: string): string {
  return `urn:pulumi:test::project::parent:index:Parent$${type}::the-name`;
}
