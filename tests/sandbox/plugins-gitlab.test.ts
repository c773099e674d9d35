import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import getPort from "get-port";
import { startServer, tokens } from "./gitlab-test-server.ts";
import { pluginFile, ProviderClient, startPlugin, unmarked } from "./plugins-client.ts";
import type { Resource } from "./plugins-client.ts";

const userRunner = "gitlab:index/userRunner:UserRunner";
const enablement = "gitlab:index/projectRunnerEnablement:ProjectRunnerEnablement";
const settings = { description: "one", maintenanceNote: "ask us", maximumTimeout: 3600 };
const inputs = { runnerType: "project_type", projectId: 1, tagLists: ["a"] };

async function connect(t: TestContext, url: string): Promise<ProviderClient> {
  const { port } = await startPlugin(t, pluginFile("gitlab"));
  const client = new ProviderClient(t, port);
  await client.configure("gitlab", { token: tokens.dev, baseUrl: `${url}/api/v4/` });
  return client;
}

/** A runner as the engine keeps it, and hands it back. */
async function createRunner(client: ProviderClient, given: Resource["inputs"] = inputs): Promise<Resource> {
  const created = await client.create(userRunner, given);
  return { ...created, outputs: unmarked(created.outputs) };
}

describe("the GitLab stand-in", { timeout: 60_000 }, () => {
  test("keeps what the program no longer sets, without a difference", async (t) => {
    const { url } = await startServer(t);
    const client = await connect(t, url);
    const runner = await createRunner(client, { ...inputs, ...settings });
    const { changes } = await client.diff(userRunner, runner, inputs);
    assert.deepEqual(changes, {});
    const updated = await client.update(userRunner, runner, { ...inputs, tagLists: ["b"] });
    assert.partialDeepStrictEqual(unmarked(updated.outputs), { ...settings, tagLists: ["b"] });
  });

  test("refuses to enable a project twice", async (t) => {
    const { url } = await startServer(t);
    const client = await connect(t, url);
    const runner = await createRunner(client);
    const second = { project: "2", runnerId: Number(runner.id) };
    await client.create(enablement, second);
    await assert.rejects(client.create(enablement, second), /400.*Runner projects is invalid - runner_error/);
  });

  for (const fault of [{ status: 500 }, { status: 503, retryAfterSeconds: 1 }, { status: 429, retryAfterSeconds: 1 }]) {
    test(`tries again after ${fault.status}`, async (t) => {
      const { url, control } = await startServer(t);
      const client = await connect(t, url);
      await control.addFault({ path: "/user/runners$", kind: "status", ...fault });
      await createRunner(client);
      assert.equal((await control.state()).runners.length, 1);
    });
  }

  test("does not try again where the answer was lost, so that the next try makes a second runner", async (t) => {
    const { url, control } = await startServer(t);
    const client = await connect(t, url);
    await control.addFault({ path: "/user/runners$", kind: "lost-answer" });
    await assert.rejects(createRunner(client), /could not create the runner: no usable answer/);
    await createRunner(client);
    assert.equal((await control.state()).runners.length, 2);
  });

  test("waits for a GitLab that is not there yet", async (t) => {
    const port = await getPort({ host: "127.0.0.1" });
    const client = await connect(t, `http://127.0.0.1:${port}`);
    const created = createRunner(client);
    await sleep(1000);
    await startServer(t, { port });
    assert.match((await created).id, /^\d+$/);
  });
});
