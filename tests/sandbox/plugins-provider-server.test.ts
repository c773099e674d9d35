import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { initFailure, isSecret, ProviderClient, startPlugin, unknown } from "./plugins-client.ts";

const fixture = join(import.meta.dirname, "plugins-fixture-provider.ts");
const probe = "probe:index:Probe";

async function connect(t: TestContext): Promise<ProviderClient> {
  const { port } = await startPlugin(t, fixture);
  return new ProviderClient(t, port);
}

describe("serveProvider", { timeout: 30_000 }, () => {
  test("prints nothing but its port, and tells its version", async (t) => {
    const plugin = await startPlugin(t, fixture);
    const client = new ProviderClient(t, plugin.port);
    assert.equal(await client.pluginVersion(), "1.2.3");
    assert.equal(plugin.output(), `${plugin.port}\n`);
  });

  test("leaves the marking of secrets to the engine", async (t) => {
    const client = await connect(t);
    const handshake = await client.handshake();
    assert.equal(handshake.getAcceptSecrets(), false);
    const configured = await client.configure("probe");
    assert.equal(configured.getAcceptsecrets(), false);
    assert.equal(configured.getSupportspreview(), true);
  });

  test("hands configuration, inputs and the operation on, and marks the provider's own secrets", async (t) => {
    const client = await connect(t);
    await client.configure("probe", { url: "http://localhost", flags: '{"a":true}' });
    const inputs = { text: "a", nested: { list: [1, { deep: null }], unset: null }, computed: unknown };
    const { id, outputs } = await client.create(probe, inputs, { preview: true, timeout: 7 });
    assert.equal(id, "made");
    assert.deepEqual(outputs["inputs"], inputs);
    assert.equal(outputs["preview"], true);
    assert.equal(outputs["timeoutSeconds"], 7);
    assert.equal(outputs["name"], "the-name");
    assert.equal(outputs["type"], probe);
    assert.deepEqual(outputs["configured"], { url: "http://localhost", flags: '{"a":true}' });
    assert.ok(isSecret(outputs["hidden"]));
  });

  test("takes inputs as they are where the type has no check", async (t) => {
    const client = await connect(t);
    assert.deepEqual(await client.check(probe, { a: [unknown] }), { inputs: { a: [unknown] }, failures: {} });
  });

  test("tells of every change where it is, and which of them replace", async (t) => {
    const client = await connect(t);
    const resource = { id: "made", outputs: {}, inputs: {} };
    assert.deepEqual(await client.diff(probe, resource, {}), {
      changes: { 'list[0]["a.b"]': "UPDATE", name: "ADD_REPLACE", gone: "DELETE" },
      replaces: ["name"],
      deleteBeforeReplace: true,
    });
  });

  test("has no id for a resource that is gone", async (t) => {
    const client = await connect(t);
    const known = { id: "made", outputs: {}, inputs: { gone: true } };
    assert.equal(await client.read(probe, "made", known), undefined);
    assert.deepEqual(await client.read(probe, "made"), { id: "found", outputs: { a: 1 }, inputs: {} });
  });

  test("names what went wrong, without a stack", async (t) => {
    const client = await connect(t);
    await assert.rejects(client.create(probe, { fail: true }), (error: Error & { details: string }) => {
      assert.equal(error.details, "it cannot be made");
      assert.equal(initFailure(error), undefined);
      return true;
    });
    await assert.rejects(client.configure("probe", { bad: "1" }), /probe:bad is not a setting/);
  });

  for (const [what, text] of [
    ["half a character", '"a \\ud800 b"'],
    ["more than a header holds", JSON.stringify("é".repeat(100_000))],
  ] as const) {
    test(`lives on after an error with ${what}`, async (t) => {
      const client = await connect(t);
      await assert.rejects(client.create(probe, { say: text }), (error: Error & { code: number; details: string }) => {
        assert.equal(error.code, 2);
        assert.match(error.details, /^(a \ufffd b|é{4000}…)$/);
        return true;
      });
      assert.equal(await client.pluginVersion(), "1.2.3");
    });
  }

  for (const timeout of [1 / 3, 1e12]) {
    test(`takes a time limit of ${timeout} s`, async (t) => {
      const client = await connect(t);
      assert.equal((await client.create(probe, {}, { timeout })).outputs["timeoutSeconds"], timeout);
    });
  }

  test("names a type that it does not know", async (t) => {
    const client = await connect(t);
    await assert.rejects(client.create("probe:index:Other", {}), /no resource type probe:index:Other/);
  });

  test("keeps what was half made", async (t) => {
    const client = await connect(t);
    await assert.rejects(client.create(probe, { half: true }), (error) => {
      assert.deepEqual(initFailure(error), {
        id: "half",
        outputs: { made: true },
        inputs: { half: true },
        reasons: ["first", "second"],
      });
      return true;
    });
  });

  test("stops an operation at its time limit", async (t) => {
    const client = await connect(t);
    await assert.rejects(client.create(probe, { hang: true }, { timeout: 0.2 }), /was stopped/);
  });

  test("stops what is under way when the user cancels", async (t) => {
    const client = await connect(t);
    const stopped = assert.rejects(client.create(probe, { hang: true }), /was stopped/);
    await client.cancel();
    await stopped;
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`ends with ${signal}, with an operation under way`, async (t) => {
      const { child, port } = await startPlugin(t, fixture);
      const creating = new ProviderClient(t, port).create(probe, { hang: true });
      const rejected = assert.rejects(creating);
      await sleep(200);
      child.kill(signal);
      const [code] = (await once(child, "exit")) as [number | null];
      assert.equal(code, 0);
      await rejected;
    });
  }

  test("ends when the engine that started it is gone", async (t) => {
    const engine = spawn("sh", ["-c", '"$0" "$1" x & echo "pid $!"; wait', process.execPath, fixture], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => engine.kill("SIGKILL"));
    const lines: string[] = [];
    for await (const line of createInterface(engine.stdout)) {
      lines.push(line);
      if (lines.length === 2) {
        break;
      }
    }
    const pid = Number(lines.find((line) => line.startsWith("pid "))?.slice(4));
    t.after(() => {
      if (isAlive(pid)) {
        process.kill(pid, "SIGKILL");
      }
    });
    engine.kill("SIGKILL");
    for (let i = 0; i < 50 && isAlive(pid); i++) {
      await sleep(100);
    }
    assert.equal(isAlive(pid), false);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
