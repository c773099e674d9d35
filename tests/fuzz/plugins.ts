import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, status, type ServiceError } from "@grpc/grpc-js";
import languageGrpc from "@pulumi/pulumi/proto/language_grpc_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import languageProto from "@pulumi/pulumi/proto/language_pb.js";
import structProto, { type JavaScriptValue, type Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import { execa } from "execa";
import fc from "fast-check";
import { startGitLabEmulator } from "../../sandbox/gitlab/emulator.ts";
import { pluginFile, startPlugin, unknown } from "../sandbox/plugins-client.ts";
import { seed, tokens } from "../sandbox/gitlab-test-server.ts";
import type { Ending, Fuzzed } from "./fuzzed.ts";
import { exchange } from "./http-exchange.ts";
import { oddJson, oddKeys, oddNumbers, oddTexts } from "./odd-values.ts";

/** How long to wait for an answer, in milliseconds. */
const patience = 5_000;

/** What only a programmer could make sense of. */
const notForPeople =
  /\n\s+at |at file:|\[object|TypeError|RangeError|Cannot |is not a function|is not iterable|undefined|\bERR_/;

/** A message of Protocol Buffers, with a setter for each field. */
type Message = Readonly<Record<string, unknown>> & { serializeBinary(): Uint8Array };

interface Method {
  readonly path: string;
  readonly requestType: new () => Message;
}

type Service = Readonly<Record<string, Method>>;

/** A call, with the bytes of its message; bytes that are no call at all. */
type Request = { readonly path: string; readonly bytes: Uint8Array } | { readonly bytes: Uint8Array };

/** What a provider has: its types of resources, each with inputs that are right, and what else a field may hold. */
interface Surface {
  readonly resources: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly ids: readonly string[];
  readonly config: readonly string[];
}

function setter(message: Message, name: string): ((value: unknown) => unknown) | undefined {
  const set = message[`set${name}`];
  return typeof set === "function" ? (value) => set.call(message, value) as unknown : undefined;
}

function struct(value: object): unknown {
  try {
    return structProto.Struct.fromJavaScript(value as Record<string, JavaScriptValue>);
  } catch {
    return structProto.Struct.fromJavaScript({}); // What is too deep for the engine's protocol.
  }
}

/** @returns inputs that are right, with something odd in some of them */
function inputs(good: Readonly<Record<string, unknown>>): fc.Arbitrary<object> {
  const odd = fc.oneof(oddJson(), oddNumbers, oddTexts, fc.constantFrom<unknown>(unknown, [unknown], null, "", {}, []));
  const key = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...Object.keys(good), "__defaults") }, oddKeys);
  return fc.array(fc.tuple(key, odd), { maxLength: 3 }).map((changes) => ({ ...good, ...Object.fromEntries(changes) }));
}

const wellFormedTexts = oddTexts.map((text) => text.toWellFormed().slice(0, 50_000));

function messages(
  service: Service,
  { resources, ids, config }: Surface,
  leftOut: readonly string[],
): fc.Arbitrary<Request> {
  const types = Object.keys(resources);
  const methods = Object.entries(service).filter(([name]) => !leftOut.includes(name));
  const urns = (type: string) =>
    fc.oneof(
      { weight: 8, arbitrary: fc.constant(`urn:pulumi:test::project::${type}::the-name`) },
      { weight: 1, arbitrary: wellFormedTexts },
      { weight: 1, arbitrary: oddKeys.map((key) => `urn:pulumi:test::project::${key.toWellFormed()}::a`) },
    );
  const ofResources = methods.filter(([, { requestType }]) => setter(new requestType(), "Urn") !== undefined);
  const usual = ofResources.length > 0 ? ofResources : methods;
  const anyMethod = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...methods) },
  );
  const filled = fc.tuple(anyMethod, fc.constantFrom(...types)).chain(([[, method], type]) => {
    const some = inputs(resources[type] ?? {});
    return fc
      .record({
        texts: fc.record({
          Urn: urns(type),
          Id: fc.oneof(fc.constantFrom(...ids), wellFormedTexts),
          Pwd: wellFormedTexts,
          Program: wellFormedTexts,
          Directory: wellFormedTexts,
        }),
        structs: fc.record({
          News: some,
          Olds: some,
          Oldinputs: some,
          OldInputs: some,
          Inputs: some,
          Properties: some,
        }),
        timeout: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: oddNumbers }),
        preview: fc.boolean(),
        variables: fc.dictionary(fc.oneof(fc.constantFrom(...config), wellFormedTexts), wellFormedTexts, {
          maxKeys: 3,
        }),
      })
      .map(({ texts, structs, timeout, preview, variables }): Request => {
        const message = new method.requestType();
        for (const [name, value] of Object.entries({ ...texts, Timeout: timeout, Preview: preview })) {
          setter(message, name)?.(value);
        }
        for (const [name, value] of Object.entries(structs)) {
          setter(message, name)?.(struct(value));
        }
        setter(
          message,
          "Info",
        )?.(
          new languageProto.ProgramInfo()
            .setProgramDirectory(texts.Directory)
            .setRootDirectory(texts.Pwd)
            .setEntryPoint(texts.Program)
            .setOptions(struct(structs.Inputs) as Struct),
        );
        const map = message["getVariablesMap"] as ((this: Message) => Map<string, string>) | undefined;
        for (const [key, value] of Object.entries(variables)) {
          map?.call(message).set(key, value);
        }
        return { path: method.path, bytes: message.serializeBinary() };
      });
  });
  const noise = fc.uint8Array({ maxLength: 300 });
  return fc.oneof(
    { weight: 12, arbitrary: filled },
    // Of another method, cut off, and no message at all.
    {
      weight: 1,
      arbitrary: fc.tuple(filled, fc.constantFrom(...methods)).map(([{ bytes }, [, { path }]]) => ({ path, bytes })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(filled, fc.nat(200))
        .map(([request, end]) => ({ ...request, bytes: request.bytes.subarray(0, end) })),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        path: fc.constantFrom(...methods.map(([, { path }]) => path), "/pulumirpc.None/None", "/a"),
        bytes: noise,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ bytes: fc.oneof(noise, fc.constant(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))) }),
    },
  );
}

/** Calls a plugin, and resolves with how it answered. */
class PluginCaller {
  readonly #port: number;
  readonly #client: Client;

  constructor(port: number) {
    this.#port = port;
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  }

  async call(request: Request): Promise<Ending> {
    if (!("path" in request)) {
      await exchange(this.#port, Buffer.from(request.bytes), { mayHang: true });
      return "refused";
    }
    const error = await this.send(request.path, request.bytes);
    if (error === null) {
      return "accepted";
    }
    assert.notEqual(error.code, status.DEADLINE_EXCEEDED, `no answer to ${request.path} within ${patience / 1000} s`);
    assert.notEqual(error.code, status.UNAVAILABLE, `the plugin is gone: ${error.details}`);
    assert.ok(error.details !== "" && !notForPeople.test(error.details), `${request.path}: ${error.details}`);
    return "refused";
  }

  send(path: string, bytes: Uint8Array): Promise<ServiceError | null> {
    const same = (value: Buffer) => value;
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        path,
        same,
        same,
        Buffer.from(bytes),
        { deadline: Date.now() + patience },
        (error) => {
          resolve(error);
        },
      );
    });
  }

  close(): void {
    this.#client.close();
  }
}

interface PluginUnderTest {
  readonly name: string;
  readonly service: Service;
  readonly surface: Surface;
  /** Methods that are not called: they end or change it for all calls after them. */
  readonly leftOut: readonly string[];
  /** Makes it ready. */
  readonly prepare?: (caller: PluginCaller) => Promise<void>;
  readonly stop?: () => Promise<void>;
}

/** How much memory a plugin may take at the end, in bytes. */
const memoryLimit = 600 * 2 ** 20;

async function plugin(of: PluginUnderTest): Promise<Fuzzed<Request>> {
  const cleanUps: (() => void)[] = [];
  const folder = mkdtempSync(join(tmpdir(), "gitlab-runner-fuzz-"));
  process.chdir(folder); // So that nothing that a plugin starts finds this repository.
  const lifetime = { after: (cleanUp: () => void) => void cleanUps.push(cleanUp) };
  const started = await startPlugin(lifetime, pluginFile(of.name), { PATH: folder });
  const { port, child } = started;
  const isAlive = () => {
    assert.ok(child.exitCode === null && child.signalCode === null, `it has ended: ${started.output().slice(-1_000)}`);
  };
  const caller = new PluginCaller(port);
  const prepare = async () => {
    isAlive();
    await of.prepare?.(caller);
  };
  await prepare();
  return {
    cases: messages(of.service, of.surface, of.leftOut),
    attempt: async (request) => {
      const ending = await caller.call(request).catch((error: unknown) => {
        isAlive(); // Its end says more than that it does not answer.
        throw error;
      });
      if ("path" in request && /\/Configure$/.test(request.path)) {
        await prepare();
      }
      return ending;
    },
    examine: async () => {
      await prepare();
      const info = Object.values(of.service).find(({ path }) => path.endsWith("/GetPluginInfo"));
      assert.equal(await caller.send(info?.path ?? "", new Uint8Array()), null, "it no longer answers");
      const { stdout: kib } = await execa("ps", ["-o", "rss=", "-p", String(child.pid)]);
      assert.ok(Number(kib) * 1024 < memoryLimit, `it takes ${kib} KiB`);
    },
    stop: async () => {
      caller.close();
      cleanUps.forEach((cleanUp) => {
        cleanUp();
      });
      await of.stop?.();
      rmSync(folder, { recursive: true });
    },
  };
}

const provider = providerGrpc.ResourceProviderService as unknown as Service;

function configured(settings: Readonly<Record<string, string>>) {
  return async (caller: PluginCaller) => {
    const configure = provider["configure"] ?? assert.fail("there is no such method");
    const message = new configure.requestType();
    const map = message["getVariablesMap"] as (this: Message) => Map<string, string>;
    for (const [key, value] of Object.entries(settings)) {
      map.call(message).set(key, value);
    }
    assert.equal(await caller.send(configure.path, message.serializeBinary()), null, "it cannot be configured");
  };
}

const randomText = {
  ...{ length: 20, lower: true, upper: true, numeric: true, special: true, minLower: 1, minUpper: 1, minNumeric: 1 },
  ...{ minSpecial: 1, overrideSpecial: "!#", keepers: { a: "b" } },
};

/** The stand-in for the provider of random texts. */
export function randomPlugin(): Promise<Fuzzed<Request>> {
  return plugin({
    name: "random",
    service: provider,
    surface: {
      resources: {
        "random:index/randomString:RandomString": randomText,
        "random:index/randomPassword:RandomPassword": randomText,
      },
      ids: ["none", "abc"],
      config: ["random:config:version"],
    },
    leftOut: ["cancel"],
  });
}

/** The stand-in for GitLab's provider, with the emulator behind it. */
export async function gitlabPlugin(): Promise<Fuzzed<Request>> {
  const server = await startGitLabEmulator({ seed });
  const runner = {
    ...{ runnerType: "project_type", projectId: 1, description: "a", paused: false, locked: false, untagged: true },
    ...{ tagLists: ["a", "b"], accessLevel: "not_protected", maximumTimeout: 3600, maintenanceNote: "b" },
  };
  return plugin({
    name: "gitlab",
    service: provider,
    surface: {
      resources: {
        "gitlab:index/userRunner:UserRunner": runner,
        "gitlab:index/projectRunnerEnablement:ProjectRunnerEnablement": { project: "2", runnerId: 1 },
      },
      ids: ["1", "2", "2:1", "homelab/one:1", "99"],
      config: ["gitlab:config:token", "gitlab:config:cacertFile", "gitlab:config:insecure", "gitlab:config:headers"],
    },
    leftOut: ["cancel"],
    prepare: configured({ "gitlab:config:token": tokens.admin, "gitlab:config:baseUrl": `${server.url}/api/v4/` }),
    stop: () => server.close(),
  });
}

/** The stand-in for MinIO's provider; what listens where MinIO is said to be is no MinIO. */
export async function minioPlugin(): Promise<Fuzzed<Request>> {
  const server = await startGitLabEmulator({ seed });
  const policy = '{"Version":"2012-10-17","Statement":[]}';
  return plugin({
    name: "minio",
    service: provider,
    surface: {
      resources: {
        "minio:index/s3Bucket:S3Bucket": { bucket: "a-bucket", acl: "private", forceDestroy: false, quota: 5 },
        "minio:index/ilmPolicy:IlmPolicy": { bucket: "a-bucket", rules: [{ id: "a", expiration: "5d", filter: "b" }] },
        "minio:index/iamPolicy:IamPolicy": { name: "a", policy },
        "minio:index/iamUser:IamUser": { name: "a", secret: "a-secret-key", disableUser: false, tags: { a: "b" } },
        "minio:index/iamUserPolicyAttachment:IamUserPolicyAttachment": { policyName: "a", userName: "b" },
      },
      ids: ["a", "a-bucket", "a/b"],
      config: [
        "minio:config:minioServer",
        "minio:config:minioUser",
        "minio:config:minioPassword",
        "minio:config:minioSsl",
      ],
    },
    leftOut: ["cancel"],
    prepare: configured({
      "minio:config:minioServer": new URL(server.url).host,
      ...{ "minio:config:minioUser": "a-user", "minio:config:minioPassword": "a-password" },
    }),
    stop: () => server.close(),
  });
}

/** The stand-in for the language host; there is neither npm nor a program for it. */
export function languagePlugin(): Promise<Fuzzed<Request>> {
  return plugin({
    name: "language-nodejs",
    service: languageGrpc.LanguageRuntimeService as unknown as Service,
    surface: { resources: { "": { nodeargs: "--a", typescript: false } }, ids: [""], config: [""] },
    leftOut: [],
  });
}
