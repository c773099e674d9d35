import assert from "node:assert/strict";
import { test } from "node:test";
import { EmulatorControl } from "../../sandbox/gitlab/control.ts";
import { controlToken, startServer, tokens } from "./gitlab-test-server.ts";

const timeout = 20_000;
const creation = { token: tokens.dev, json: { runner_type: "project_type", project_id: 1 } };

async function direct(url: string, path: string): Promise<Response> {
  return fetch(`${url}/api/v4${path}`, { headers: { "PRIVATE-TOKEN": tokens.dev } });
}

test("a status comes as often as asked, only where asked", { timeout }, async (t) => {
  const server = await startServer(t);
  await server.control.addFault({
    method: "GET",
    path: "/runners$",
    kind: "status",
    status: 429,
    retryAfterSeconds: 7,
    count: 2,
  });
  assert.equal((await direct(server.url, "/user")).status, 200);
  const limited = await direct(server.url, "/runners");
  assert.deepEqual([limited.status, limited.headers.get("retry-after")], [429, "7"]);
  assert.equal((await direct(server.url, "/runners")).status, 429);
  assert.equal((await direct(server.url, "/runners")).status, 200);
});

test("a cut connection does nothing, a lost answer does it all", { timeout }, async (t) => {
  const server = await startServer(t);
  const created = async () => (await server.control.state()).runners.length;
  await server.control.addFault({ method: "POST", path: "/user/runners$", kind: "cut" });
  await assert.rejects(server.call("POST", "/user/runners", creation), TypeError);
  assert.equal(await created(), 0);
  await server.control.addFault({ method: "POST", path: "/user/runners$", kind: "lost-answer" });
  await assert.rejects(server.call("POST", "/user/runners", creation), TypeError);
  assert.equal(await created(), 1);
});

test("what the control surface shows has no secrets, not even where users wrote them", { timeout }, async (t) => {
  const server = await startServer(t);
  const { token } = await server.createRunner({ description: `holds ${tokens.admin}` });
  const state = await server.control.state();
  assert.equal(state.runners[0]?.description, "holds [masked]");
  for (const secret of [token, controlToken, ...Object.values(tokens)]) {
    assert.ok(!JSON.stringify(state).includes(secret));
  }
});

test("the control surface is closed to others and says what is wrong", { timeout }, async (t) => {
  const server = await startServer(t);
  await assert.rejects(new EmulatorControl(server.url, "guessed").state(), /401 .*X-Emulator-Token/);
  assert.equal((await fetch(`${server.url}/-/emulator/state`)).status, 401);
  const { control } = server;
  await assert.rejects(control.addJob({ projectId: 99, script: ["true"] }), /400 .*there is no project 99/);
  await assert.rejects(control.addJob({ projectId: 1, script: [] }), /400 .*script/);
  await assert.rejects(control.job(99), /404/);
  await assert.rejects(control.addProject({ id: 1, path: "homelab/again" }), /409/);
  assert.equal((await control.addProject({ id: 4, path: "new/group/project" })).id, 4);
  const state = await control.state();
  assert.deepEqual(
    state.groups.map(({ path }) => path),
    ["homelab", "elsewhere", "new", "new/group"],
  );
});

test("nothing that it is told makes it unable to answer", { timeout }, async (t) => {
  const server = await startServer(t);
  const { control } = server;
  const { id } = await server.createRunner();
  const ages = Number.MAX_SAFE_INTEGER;
  await assert.rejects(control.addFault({ path: "[", kind: "cut" }), /400 .*path: must be a regular expression/);
  await assert.rejects(control.setLastContact(id, ages), /400 .*secondsAgo/);
  await assert.rejects(
    control.changeSettings({ runnerTokenExpirationInterval: ages }),
    /400 .*runnerTokenExpirationInterval/,
  );
  await server.createRunner();
  assert.equal((await control.state()).runners.length, 2);
});

test("a list of 300,000 parameters is read at once", { timeout }, async (t) => {
  const server = await startServer(t);
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  const answer = await server.call("POST", "/runners/verify", { headers, text: "tag_list[]=1&".repeat(300_000) });
  assert.equal(answer.status, 400);
});
