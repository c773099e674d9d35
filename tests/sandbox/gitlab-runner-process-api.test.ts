import assert from "node:assert/strict";
import { test } from "node:test";
import { fields, seed, startServer, tokens } from "./gitlab-test-server.ts";

const timeout = 20_000;
const hours = 3_600_000;
const info = { name: "gitlab-runner", version: "18.9.0", revision: "abc", platform: "linux", architecture: "amd64" };

test("a runner verifies its token and is known from then on by its system id", { timeout }, async (t) => {
  let now = Date.parse("2026-01-01T00:00:00Z");
  const server = await startServer(t, { now: () => now });
  const { id, token } = await server.createRunner();
  const status = async () => fields(await server.call("GET", `/runners/${id}`, { token: tokens.dev })).status;
  assert.equal(await status(), "never_contacted");
  const verified = await server.call("POST", "/runners/verify", { json: { token, system_id: "s_one", info } });
  assert.deepEqual([verified.status, verified.body], [200, { id, token, token_expires_at: null }]);
  await server.call("POST", "/jobs/request", {
    json: { token, system_id: "r_two", info: { ...info, version: "18.10.0" } },
  });
  assert.equal(await status(), "online");
  const managers = await server.call("GET", `/runners/${id}/managers`, { token: tokens.dev });
  assert.deepEqual(
    (managers.body as Record<string, unknown>[]).map((one) => [one.system_id, one.version, one.platform, one.status]),
    [
      ["s_one", "18.9.0", "linux", "online"],
      ["r_two", "18.10.0", "linux", "online"],
    ],
  );
  const shown = fields(await server.call("GET", `/runners/${id}`, { token: tokens.dev }));
  assert.deepEqual([shown.version, shown.online, shown.contacted_at], ["18.10.0", true, "2026-01-01T00:00:00.000Z"]);
  now += 2 * hours;
  assert.equal(await status(), "offline");
  await server.call("PUT", `/runners/${id}`, { token: tokens.dev, json: { paused: true } });
  assert.equal(await status(), "paused");
  now += 7 * 24 * hours;
  assert.equal(await status(), "stale");
});

test("the token may come as form or as header; an unknown one is refused", { timeout }, async (t) => {
  const server = await startServer(t);
  const { token } = await server.createRunner();
  assert.equal((await server.call("POST", "/runners/verify", { form: { token } })).status, 200);
  assert.equal((await server.call("POST", "/runners/verify", { headers: { "Runner-Token": token } })).status, 200);
  const router = { headers: { "Runner-Token": token } };
  assert.equal((await server.call("GET", "/runners/router/discovery", router)).status, 501);
  const unknown = { token: "glrt-t3_unknownunknownunknow" };
  const calls = [
    ["POST", "/runners/verify"],
    ["POST", "/runners/reset_authentication_token"],
    ["POST", "/jobs/request"],
    ["DELETE", "/runners"],
  ] as const;
  for (const [method, path] of calls) {
    const answer = await server.call(method, path, { json: unknown });
    assert.deepEqual([answer.status, answer.body], [403, { message: "403 Forbidden" }], path);
    const none = await server.call(method, path, { json: {} });
    assert.deepEqual([none.status, none.body], [400, { error: "token is missing" }], path);
  }
});

test("a runner and its managers sign off", { timeout }, async (t) => {
  const server = await startServer(t);
  const { id, token } = await server.createRunner();
  await server.call("POST", "/runners/verify", { json: { token, system_id: "s_one", info } });
  const signOff = (system_id: string) => server.call("DELETE", "/runners/managers", { json: { token, system_id } });
  assert.equal((await signOff("s_none")).status, 404);
  assert.equal((await signOff("s_one")).status, 204);
  assert.deepEqual((await server.call("GET", `/runners/${id}/managers`, { token: tokens.dev })).body, []);
  assert.equal((await server.call("DELETE", `/runners?token=${token}`)).status, 204);
  assert.equal((await server.call("GET", `/runners/${id}`, { token: tokens.dev })).status, 404);
});

test("registration tokens: gone where there are none, else they must be known", { timeout }, async (t) => {
  const off = await startServer(t);
  const gone = await off.call("POST", "/runners", { json: { token: "GR1348941-anything" } });
  assert.deepEqual([gone.status, gone.body], [410, { message: "410 Gone - runner registration disallowed" }]);
  const registrationTokens = [
    { token: "GR1348941-project", projectId: 1 },
    { token: "GR1348941-group", groupId: 10 },
  ];
  const on = await startServer(t, { seed: { ...seed, registrationTokens } });
  assert.equal((await on.call("POST", "/runners", { json: { token: "GR1348941-unknown" } })).status, 403);
  const register = (json: object) => on.call("POST", "/runners", { json: { token: "GR1348941-project", ...json } });
  assert.equal((await register({ active: true, paused: false })).status, 400);
  const invalid = await register({ maximum_timeout: 5 });
  assert.deepEqual(
    [invalid.status, invalid.body],
    [400, { message: { maximum_timeout: ["needs to be at least 10 minutes"] } }],
  );
  const registered = await register({ tag_list: "a,b", info, maintainer_note: "note", active: false });
  assert.equal(registered.status, 201);
  const { id, token } = fields(registered);
  assert.match(String(token), /^glrtr-t3_[\w-]{20}$/);
  const shown = fields(await on.call("GET", `/runners/${String(id)}`, { token: tokens.dev }));
  assert.deepEqual(
    [shown.tag_list, shown.paused, shown.maintenance_note, shown.name],
    [["a", "b"], true, "note", "gitlab-runner"],
  );
  const group = await on.call("POST", "/runners", { form: { token: "GR1348941-group" } });
  assert.match(String(fields(group).token), /^glrtr-t2_/);
});

test("no token is rotated after its deadline", { timeout }, async (t) => {
  let now = Date.parse("2026-01-01T00:00:00Z");
  const server = await startServer(t, { now: () => now });
  const { token } = await server.createRunner({
    token_expires_at: "2026-01-03T00:00:00Z",
    token_rotation_deadline: "2026-01-02T00:00:00Z",
  });
  now += 24 * hours;
  const late = await server.call("POST", "/runners/reset_authentication_token", { json: { token } });
  assert.equal(late.status, 403);
  assert.equal((await server.call("POST", "/runners/verify", { json: { token } })).status, 200);
});
