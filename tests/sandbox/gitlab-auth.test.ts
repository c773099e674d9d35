import assert from "node:assert/strict";
import { test } from "node:test";
import { fields, startServer, tokens } from "./gitlab-test-server.ts";

const timeout = 20_000;

test("only a token that is known and alive gets in, in any of its places", { timeout }, async (t) => {
  const server = await startServer(t);
  const get = (token?: string, headers: Record<string, string> = {}) =>
    server.call("GET", "/user", { ...(token === undefined ? {} : { token }), headers });
  const missing = await get();
  assert.deepEqual([missing.status, missing.body], [401, { message: "401 Unauthorized" }]);
  for (const token of ["glpat-unknown", tokens.revoked, tokens.expired]) {
    const answer = await get(token);
    assert.deepEqual([answer.status, fields(answer).error], [401, "invalid_token"], token);
  }
  assert.equal(fields(await get(tokens.dev)).username, "dev");
  assert.equal(fields(await get(undefined, { Authorization: `Bearer ${tokens.dev}` })).username, "dev");
  assert.equal(fields(await server.call("GET", `/user?private_token=${tokens.dev}`)).username, "dev");
});

test("scopes: each call takes those that GitLab takes and names them else", { timeout }, async (t) => {
  const server = await startServer(t);
  const { id } = await server.createRunner();
  const call = async (method: string, path: string, token: string, json?: unknown) => {
    const answer = await server.call(method, path, { token, ...(json === undefined ? {} : { json }) });
    return answer.status === 403 ? fields(answer).scope : answer.status;
  };
  const { readOnly, runnerScopes } = tokens;
  const wanted = { runner_type: "project_type", project_id: 1 };
  assert.equal(await call("POST", "/user/runners", runnerScopes, wanted), 201);
  assert.equal(await call("POST", "/user/runners", readOnly, wanted), "create_runner api");
  assert.equal(await call("GET", `/runners/${id}`, runnerScopes), 200);
  assert.equal(await call("GET", `/runners/${id}`, readOnly), 200);
  assert.equal(await call("PUT", `/runners/${id}`, runnerScopes, { paused: true }), 200);
  assert.equal(await call("PUT", `/runners/${id}`, readOnly, { paused: true }), "manage_runner api");
  assert.equal(await call("POST", `/runners/${id}/reset_authentication_token`, runnerScopes), 201);
  assert.equal(await call("GET", "/runners", runnerScopes), "api read_api");
  assert.equal(await call("GET", "/runners", readOnly), 200);
  assert.equal(await call("POST", "/projects/2/runners", runnerScopes, { runner_id: id }), "api");
  assert.equal(await call("POST", "/projects/2/runners", tokens.dev, { runner_id: id }), 201);
  assert.equal(await call("DELETE", `/projects/2/runners/${id}`, runnerScopes), "api");
  assert.equal(await call("DELETE", `/projects/2/runners/${id}`, tokens.dev), 204);
  assert.equal(await call("DELETE", `/runners/${id}`, readOnly), "manage_runner api");
  assert.equal(await call("DELETE", `/runners/${id}`, runnerScopes), 204);
});

test("a token can tell what it is, whatever its scopes", { timeout }, async (t) => {
  const server = await startServer(t);
  const self = await server.call("GET", "/personal_access_tokens/self", { token: tokens.runnerScopes });
  assert.deepEqual(fields(self).scopes, ["create_runner", "manage_runner"]);
  assert.equal(fields(await server.call("GET", "/version", { token: tokens.readOnly })).version, "19.5.0");
  assert.equal(fields(await server.call("GET", "/metadata", { token: tokens.dev })).version, "19.5.0");
  assert.equal(fields(await server.call("GET", "/user", { token: tokens.admin })).is_admin, true);
});
