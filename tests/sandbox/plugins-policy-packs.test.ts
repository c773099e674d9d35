import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { credentials } from "@grpc/grpc-js";
import analyzerGrpc from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import analyzerProto from "@pulumi/pulumi/proto/analyzer_pb.js";
import type { AnalyzeResponse, AnalyzerInfo } from "@pulumi/pulumi/proto/analyzer_pb.js";
import languageGrpc from "@pulumi/pulumi/proto/language_grpc_pb.js";
import languageProto from "@pulumi/pulumi/proto/language_pb.js";
import type { RunPluginResponse } from "@pulumi/pulumi/proto/language_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import { toStruct } from "../../sandbox/plugins/property-values.ts";
import { repository } from "../../tools/repository.ts";
import { pluginFile, startPlugin } from "./plugins-client.ts";

/** A policy pack that the language host runs for the engine. */
interface StartedPack {
  readonly analyzer: InstanceType<typeof analyzerGrpc.AnalyzerClient>;
  /** What the pack has printed, but for the port. */
  readonly output: () => string;
  /** Message of the error that the pack ended with. */
  readonly ended: Promise<string>;
  readonly host: ChildProcess;
  /** Ends the call, as the engine does when it needs the pack no more. */
  readonly cancel: () => void;
}

/** A pack whose only rule says for which stack it runs. */
const sayingItsStack = `
  const pulumi = require("@pulumi/pulumi");
  const { PolicyPack } = require("@pulumi/policy");
  console.log = ((print) => (line) => { print(line); print("and a second line"); })(console.log);
  new PolicyPack("example", { policies: [{
    name: "says-its-stack",
    description: "A rule.",
    enforcementLevel: "mandatory",
    validateResource: ({ props }, report) => report(
      [props.greeting, pulumi.getProject(), pulumi.getStack(), new pulumi.Config("policy").get("production")].join(" "),
    ),
  }] });
`;

function packFolder(t: TestContext, program: string): string {
  const folder = mkdtempSync(join(tmpdir(), "policy-pack-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "example", version: "1.2.3" }));
  writeFileSync(join(folder, "index.js"), program);
  return folder;
}

async function startPack(t: TestContext, folder: string): Promise<StartedPack> {
  // Ended gently, so that it ends the pack.
  const { child, port } = await startPlugin({ after: () => undefined }, pluginFile("language-nodejs"));
  t.after(async () => {
    if (child.kill("SIGTERM")) {
      await once(child, "exit");
    }
  });
  const host = new languageGrpc.LanguageRuntimeClient(`127.0.0.1:${port}`, credentials.createInsecure());
  const request = new languageProto.RunPluginRequest()
    .setKind("analyzer")
    .setPwd(repository)
    .setArgsList(["127.0.0.1:1"])
    .setEnvList([`PATH=${process.env["PATH"] ?? ""}`])
    .setInfo(new languageProto.ProgramInfo().setRootDirectory(folder).setProgramDirectory(folder).setEntryPoint("."));
  const call = host.runPlugin(request);
  t.after(() => {
    host.close();
  });
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  call.on("error", ({ details }: { details: string }) => {
    resolve(details);
  });
  let output = "";
  const packPort = await new Promise<string>((resolve) => {
    call.on("data", (message: RunPluginResponse) => {
      output += Buffer.from(message.getStdout_asU8()).toString() + Buffer.from(message.getStderr_asU8()).toString();
      resolve(output.trim());
    });
  });
  const analyzer = new analyzerGrpc.AnalyzerClient(`127.0.0.1:${packPort}`, credentials.createInsecure());
  t.after(() => {
    analyzer.close();
  });
  return {
    analyzer,
    ended,
    host: child,
    output: () => output.slice(packPort.length + 1),
    cancel: () => {
      call.cancel();
    },
  };
}

function answer<Response>(
  call: (done: (error: Error | null, response: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    call((error, response) => {
      if (error === null) {
        resolve(response);
      } else {
        reject(error);
      }
    });
  });
}

function info({ analyzer }: StartedPack): Promise<AnalyzerInfo> {
  return answer((done) => analyzer.getAnalyzerInfo(new emptyProto.Empty(), done));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("a policy pack is told its stack before it starts", { timeout: 30_000 }, async (t) => {
  const pack = await startPack(t, packFolder(t, sayingItsStack));
  await answer((done) => pack.analyzer.handshake(new analyzerProto.AnalyzerHandshakeRequest(), done));
  const stack = new analyzerProto.AnalyzerStackConfigureRequest().setProject("my-project").setStack("my-stack");
  stack.getConfigMap().set("policy:production", "true");
  await answer((done) => pack.analyzer.configureStack(stack, done));

  assert.equal((await info(pack)).getName(), "example");
  assert.equal((await info(pack)).getVersion(), "1.2.3");
  const request = new analyzerProto.AnalyzeRequest()
    .setType("a:b:C")
    .setProperties(toStruct({ greeting: "hello" }))
    .setOptions(new analyzerProto.AnalyzerResourceOptions());
  const analysis = await answer<AnalyzeResponse>((done) => pack.analyzer.analyze(request, done));
  assert.deepEqual(
    analysis.getDiagnosticsList().map((diagnostic) => diagnostic.getMessage()),
    ["A rule.\nhello my-project my-stack true"],
  );
  assert.equal(pack.output(), "and a second line\n");
});

test("a policy pack that is asked for its rules only starts without a stack", { timeout: 30_000 }, async (t) => {
  const pack = await startPack(t, packFolder(t, sayingItsStack));
  assert.deepEqual(
    (await info(pack)).getPoliciesList().map((policy) => policy.getName()),
    ["says-its-stack"],
  );
});

for (const end of ["the engine's call", "the language host"]) {
  test(`a policy pack ends with ${end}`, { timeout: 30_000 }, async (t) => {
    const printed = "console.error(process.pid);" + sayingItsStack;
    const pack = await startPack(t, packFolder(t, printed));
    await info(pack);
    const pid = Number(pack.output().split("\n")[0]);
    assert.ok(isRunning(pid));
    if (end === "the language host") {
      pack.host.kill("SIGTERM");
    } else {
      pack.cancel();
    }
    while (isRunning(pid)) {
      await setTimeout(20, undefined, { signal: t.signal });
    }
  });
}

test("a policy pack that cannot start ends the call with its exit code", { timeout: 30_000 }, async (t) => {
  const pack = await startPack(t, packFolder(t, 'console.error("no rules today"); process.exit(3);'));
  await assert.rejects(info(pack), /policy pack not started: could not read policy pack port/);
  assert.match(await pack.ended, /^Program exited with non-zero exit code: 3$/);
  assert.match(pack.output(), /no rules today/);
});
