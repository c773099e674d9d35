import assert from "node:assert/strict";
import { test } from "node:test";
import { fields, ids, startServer, tokens, type Answer } from "./gitlab-test-server.ts";

const timeout = 20_000;
const dev = tokens.dev;

function refused(answer: Answer, status: number, body: unknown): void {
  assert.deepEqual({ status: answer.status, body: answer.body }, { status, body });
}

test("a runner is created with a token of its type that is shown only once", { timeout }, async (t) => {
  const server = await startServer(t);
  const types = [
    ["project_type", { project_id: 1 }, dev, 3],
    ["group_type", { group_id: 10 }, dev, 2],
    ["instance_type", {}, tokens.admin, 1],
  ] as const;
  for (const [type, place, token, number] of types) {
    const answer = await server.call("POST", "/user/runners", { token, json: { runner_type: type, ...place } });
    assert.equal(answer.status, 201);
    const { id, token: runnerToken, token_expires_at: expiry } = fields(answer);
    assert.match(String(runnerToken), new RegExp(`^glrt-t${number}_[\\w-]{20,}$`));
    assert.equal(expiry, null);
    const shown = await server.call("GET", `/runners/${String(id)}`, { token });
    assert.equal(shown.status, 200);
    assert.ok(!JSON.stringify(shown.body).includes(String(runnerToken)));
  }
});

test("bodies count the same as JSON, as URL-encoded and as multipart form", { timeout }, async (t) => {
  const server = await startServer(t);
  const json = {
    runner_type: "project_type",
    project_id: 1,
    description: "a runner",
    tag_list: ["a", "b"],
    run_untagged: false,
    locked: true,
    paused: true,
    maximum_timeout: 600,
    access_level: "ref_protected",
    maintenance_note: "note",
  };
  const pairs = Object.entries(json).flatMap(([name, value]): [string, string][] =>
    Array.isArray(value) ? value.map((one) => [`${name}[]`, one]) : [[name, String(value)]],
  );
  const multipart = new FormData();
  for (const [name, value] of pairs) {
    multipart.append(name, value);
  }
  const commas = pairs.filter(([name]) => name !== "tag_list[]").concat([["tag_list", "a, b"]]);
  const created: unknown[] = [];
  created.push(fields(await server.call("POST", "/user/runners", { token: dev, json })).id);
  created.push(fields(await server.call("POST", "/user/runners", { token: dev, form: pairs })).id);
  created.push(fields(await server.call("POST", "/user/runners", { token: dev, form: commas })).id);
  const response = await fetch(`${server.url}/api/v4/user/runners`, {
    method: "POST",
    headers: { "PRIVATE-TOKEN": dev },
    body: multipart,
  });
  created.push(((await response.json()) as { id: number }).id);
  for (const id of created) {
    const shown = fields(await server.call("GET", `/runners/${String(id)}`, { token: dev }));
    for (const [name, value] of Object.entries(json)) {
      if (name !== "project_id") {
        assert.deepEqual(shown[name], value, name);
      }
    }
  }
});

test("creation refuses what GitLab refuses, in its words", { timeout }, async (t) => {
  const server = await startServer(t);
  const create = (json: object, token: string = dev) => server.call("POST", "/user/runners", { token, json });
  const project = { runner_type: "project_type", project_id: 1 };
  const bad = (reason: string) => ({ message: `400 Bad request - ${reason}` });
  refused(await create({}), 400, { error: "runner_type is missing" });
  refused(await create({ runner_type: "shell" }), 400, { error: "runner_type does not have a valid value" });
  refused(await create({ runner_type: "project_type" }), 400, { error: "project_id is missing" });
  refused(await create({ runner_type: "group_type" }), 400, { error: "group_id is missing" });
  refused(await create({ ...project, maximum_timeout: "soon" }), 400, { error: "maximum_timeout is invalid" });
  refused(await create({ ...project, access_level: "all" }), 400, {
    error: "access_level does not have a valid value",
  });
  refused(
    await create({ runner_type: "project_type", project_id: 99 }, tokens.outsider),
    400,
    bad("Missing/invalid project"),
  );
  refused(
    await create({ runner_type: "group_type", group_id: 99 }, tokens.outsider),
    400,
    bad("Missing/invalid group"),
  );
  const insufficient = { message: "403 Forbidden - Insufficient permissions" };
  refused(await create(project, tokens.outsider), 403, insufficient);
  refused(await create({ runner_type: "group_type", group_id: 10 }, tokens.outsider), 403, insufficient);
  refused(await create({ runner_type: "instance_type" }), 403, insufficient);
  refused(
    await create({ ...project, tag_list: [], run_untagged: false }),
    400,
    bad("Tags list can not be empty when runner is not allowed to pick untagged jobs"),
  );
  refused(
    await create({ ...project, maximum_timeout: 599 }),
    400,
    bad("Maximum timeout needs to be at least 10 minutes"),
  );
  const long = "x".repeat(1025);
  const tooLong = "is too long (maximum is 1024 characters)";
  refused(
    await create({ ...project, description: long, maintenance_note: long }),
    400,
    bad(`Description ${tooLong} and Maintenance note ${tooLong}`),
  );
  const tags = Array.from({ length: 51 }, (_, index) => `tag-${index}`);
  assert.equal((await create({ ...project, tag_list: tags })).status, 400);
  assert.equal((await create({ ...project, maximum_timeout: 600, tag_list: tags.slice(1) })).status, 201);
  const malformed = await server.call("POST", "/user/runners", {
    token: dev,
    text: "{",
    headers: { "Content-Type": "application/json" },
  });
  assert.equal(malformed.status, 400);
});

test("an update changes what it names and keeps the rest", { timeout }, async (t) => {
  const server = await startServer(t);
  const { id } = await server.createRunner({ description: "before", tag_list: ["a"], maximum_timeout: 700 });
  const put = (json: object, token: string = dev) => server.call("PUT", `/runners/${id}`, { token, json });
  const updated = fields(await put({ description: "after", paused: true, maximum_timeout: null }));
  assert.deepEqual(
    [updated.description, updated.paused, updated.active, updated.maximum_timeout, updated.tag_list],
    ["after", true, false, null, ["a"]],
  );
  assert.equal(fields(await put({ active: true })).paused, false);
  refused(await put({ active: true, paused: true }), 400, { error: "active, paused are mutually exclusive" });
  const missing = fields(await put({ unknown: 1 })).error;
  assert.match(String(missing), /^description, active, .* are missing, at least one parameter must be provided$/);
  refused(await put({ maximum_timeout: 599 }), 400, {
    message: { maximum_timeout: ["needs to be at least 10 minutes"] },
  });
  refused(await put({ tag_list: [], run_untagged: false }), 400, {
    message: { tags_list: ["can not be empty when runner is not allowed to pick untagged jobs"] },
  });
  refused(await put({ description: "x".repeat(1025) }), 400, {
    message: { description: ["is too long (maximum is 1024 characters)"] },
  });
  refused(await put({ paused: true }, tokens.outsider), 403, { message: "403 Forbidden - No access granted" });
  assert.equal(fields(await server.call("GET", `/runners/${id}`, { token: dev })).description, "after");
});

test("unknown, unreadable and misnamed runners", { timeout }, async (t) => {
  const server = await startServer(t);
  const { id } = await server.createRunner();
  const noAccess = { message: "403 Forbidden - No access granted" };
  for (const path of ["", "/managers", "/jobs", "/projects"]) {
    refused(await server.call("GET", `/runners/99${path}`, { token: dev }), 404, { message: "404 Runner Not Found" });
    refused(await server.call("GET", `/runners/${id}${path}`, { token: tokens.outsider }), 403, noAccess);
  }
  refused(await server.call("GET", "/runners/none", { token: dev }), 400, { error: "id is invalid" });
  refused(await server.call("DELETE", `/runners/${id}`, { token: tokens.outsider }), 403, noAccess);
  const reset = `/runners/${id}/reset_authentication_token`;
  refused(await server.call("POST", reset, { token: tokens.outsider }), 403, noAccess);
});

test("details name projects and groups, and leave the projects out on request", { timeout }, async (t) => {
  const server = await startServer(t);
  const { id } = await server.createRunner({ project_id: 2 });
  await server.call("POST", "/projects/1/runners", { token: dev, json: { runner_id: id } });
  const shown = fields(await server.call("GET", `/runners/${id}`, { token: dev }));
  assert.deepEqual(
    (shown.projects as { path_with_namespace: string; web_url: string }[]).map((one) => [
      one.path_with_namespace,
      one.web_url,
    ]),
    [
      ["homelab/one", `${server.url}/homelab/one`],
      ["homelab/two", `${server.url}/homelab/two`],
    ],
  );
  assert.deepEqual(ids(await server.call("GET", `/runners/${id}/projects`, { token: dev })).toSorted(), [1, 2]);
  const short = fields(await server.call("GET", `/runners/${id}?include_projects=false`, { token: dev }));
  assert.ok(!("projects" in short));
  const group = await server.createRunner({ runner_type: "group_type", group_id: 10 });
  const ofGroup = fields(await server.call("GET", `/runners/${group.id}`, { token: dev }));
  assert.deepEqual([ofGroup.projects, (ofGroup.groups as { id: number }[]).map((one) => one.id)], [[], [10]]);
});

test("deletion answers 204, but not while several projects have the runner", { timeout }, async (t) => {
  const server = await startServer(t);
  const { id } = await server.createRunner();
  await server.call("POST", "/projects/2/runners", { token: dev, json: { runner_id: id } });
  refused(await server.call("DELETE", `/runners/${id}`, { token: dev }), 403, {
    message: "403 Forbidden - Runner associated with more than one project",
  });
  assert.equal((await server.call("DELETE", `/projects/2/runners/${id}`, { token: dev })).status, 204);
  const since = { "If-Unmodified-Since": "Wed, 01 Jan 2020 00:00:00 GMT" };
  assert.equal((await server.call("DELETE", `/runners/${id}`, { token: dev, headers: since })).status, 412);
  const gone = await server.call("DELETE", `/runners/${id}`, { token: dev });
  refused(gone, 204, "");
  assert.equal((await server.call("GET", `/runners/${id}`, { token: dev })).status, 404);
  assert.equal((await server.call("DELETE", `/runners/${id}`, { token: dev })).status, 404);
  const second = await server.createRunner();
  await server.call("POST", "/projects/2/runners", { token: dev, json: { runner_id: second.id } });
  assert.equal((await server.call("DELETE", `/runners/${second.id}`, { token: tokens.admin })).status, 204);
});

test("lists: whose they are, filters, scopes and pages", { timeout }, async (t) => {
  const server = await startServer(t);
  const tagged = await server.createRunner({ tag_list: ["a", "b"] });
  const paused = await server.createRunner({ paused: true, tag_list: ["a"] });
  const group = await server.createRunner({ runner_type: "group_type", group_id: 10 });
  const instance = await server.createRunner({ runner_type: "instance_type" }, tokens.admin);
  const list = async (path: string, token: string = dev) => ids(await server.call("GET", path, { token }));
  assert.deepEqual(await list("/runners"), [group.id, paused.id, tagged.id]);
  assert.deepEqual(await list("/runners", tokens.outsider), []);
  assert.deepEqual(await list("/runners/all", tokens.admin), [instance.id, group.id, paused.id, tagged.id]);
  refused(await server.call("GET", "/runners/all", { token: dev }), 403, { message: "403 Forbidden" });
  assert.deepEqual(await list("/runners?type=group_type"), [group.id]);
  assert.deepEqual(await list("/runners?paused=true"), [paused.id]);
  assert.deepEqual(await list("/runners?paused=false&type=project_type"), [tagged.id]);
  assert.deepEqual(await list("/runners?tag_list=a,b"), [tagged.id]);
  assert.deepEqual(await list("/runners?tag_list[]=a&tag_list[]=b"), [tagged.id]);
  assert.deepEqual(await list("/runners?scope=paused"), [paused.id]);
  assert.deepEqual(await list("/runners?status=online"), []);
  assert.deepEqual(await list("/runners?version_prefix=18."), []);
  assert.deepEqual(await list("/runners/all?scope=shared", tokens.admin), [instance.id]);
  refused(await server.call("GET", "/runners?scope=shared", { token: dev }), 400, {
    message: "Scope contains invalid value",
  });
  refused(await server.call("GET", "/runners?type=mine", { token: dev }), 400, {
    error: "type does not have a valid value",
  });
  const page = await server.call("GET", "/runners?per_page=2&page=1", { token: dev });
  assert.deepEqual(ids(page), [group.id, paused.id]);
  const header = (name: string) => page.headers.get(name);
  assert.deepEqual(["x-page", "x-per-page", "x-next-page", "x-prev-page", "x-total", "x-total-pages"].map(header), [
    "1",
    "2",
    "2",
    "",
    "3",
    "2",
  ]);
  const next = /<([^>]+)>; rel="next"/.exec(header("link") ?? "")?.[1] ?? "";
  assert.deepEqual(await list(next.slice(`${server.url}/api/v4`.length)), [tagged.id]);
});

test("a reset token replaces the old one, and expires after the interval set", { timeout }, async (t) => {
  let now = Date.parse("2026-01-01T00:00:00Z");
  const server = await startServer(t, { now: () => now });
  const { id, token } = await server.createRunner();
  const verify = async (text: string) =>
    (await server.call("POST", "/runners/verify", { json: { token: text } })).status;
  await server.control.changeSettings({ runnerTokenExpirationInterval: 3600 });
  const reset = await server.call("POST", `/runners/${id}/reset_authentication_token`, { token: dev });
  assert.equal(reset.status, 201);
  const { token: fresh, token_expires_at: expiry } = fields(reset);
  assert.equal(expiry, "2026-01-01T01:00:00.000Z");
  assert.deepEqual([await verify(token), await verify(String(fresh))], [403, 200]);
  const own = await server.call("POST", "/runners/reset_authentication_token", { json: { token: fresh } });
  assert.equal(own.status, 201);
  const last = String(fields(own).token);
  assert.deepEqual([await verify(String(fresh)), await verify(last)], [403, 200]);
  now += 3_600_000;
  assert.equal(await verify(last), 403);
});

test("a creation may name when the token ends, within limits", { timeout }, async (t) => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const server = await startServer(t, { now: () => now });
  const create = (json: object) =>
    server.call("POST", "/user/runners", { token: dev, json: { runner_type: "project_type", project_id: 1, ...json } });
  const named = await create({ token_expires_at: "2026-01-02T00:00:00Z" });
  assert.equal(fields(named).token_expires_at, "2026-01-02T00:00:00.000Z");
  assert.equal((await create({ token_expires_at: "2026-01-01T00:04:00Z" })).status, 400);
  assert.equal((await create({ token_expires_at: "2026-01-17T00:00:00Z" })).status, 400);
  assert.equal((await create({ token_rotation_deadline: "2026-01-02T00:00:00Z" })).status, 400);
  assert.equal((await create({ token_expires_at: "tomorrow" })).status, 400);
});
