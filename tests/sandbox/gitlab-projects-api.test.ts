import assert from "node:assert/strict";
import { test } from "node:test";
import { fields, ids, startServer, tokens, type Answer } from "./gitlab-test-server.ts";

const timeout = 20_000;
const { dev, admin, outsider } = tokens;

function refused(answer: Answer, status: number, message: string): void {
  assert.deepEqual({ status: answer.status, body: answer.body }, { status, body: { message } });
}

test("projects and groups are found by id and by path", { timeout }, async (t) => {
  const server = await startServer(t);
  for (const id of ["1", "homelab%2Fone"]) {
    const project = fields(await server.call("GET", `/projects/${id}`, { token: dev }));
    assert.deepEqual([project.id, project.path_with_namespace], [1, "homelab/one"]);
  }
  for (const id of ["10", "homelab"]) {
    const group = fields(await server.call("GET", `/groups/${id}`, { token: dev }));
    assert.deepEqual([group.id, group.full_path], [10, "homelab"]);
  }
  refused(await server.call("GET", "/projects/homelab%2Fnone", { token: dev }), 404, "404 Project Not Found");
  refused(await server.call("GET", "/groups/99", { token: dev }), 404, "404 Group Not Found");
});

test("a runner is enabled for a project and disabled again", { timeout }, async (t) => {
  const server = await startServer(t);
  const { id } = await server.createRunner();
  const enabled = await server.call("POST", "/projects/homelab%2Ftwo/runners", {
    token: dev,
    form: { runner_id: String(id) },
  });
  assert.deepEqual([enabled.status, fields(enabled).id], [201, id]);
  assert.deepEqual(ids(await server.call("GET", "/projects/2/runners", { token: dev })), [id]);
  const disable = () => server.call("DELETE", `/projects/2/runners/${id}`, { token: dev });
  assert.equal((await disable()).status, 204);
  refused(await disable(), 404, "404 Runner Not Found");
  assert.deepEqual(ids(await server.call("GET", "/projects/2/runners", { token: dev })), []);
});

test("enabling refuses in GitLab's order and words", { timeout }, async (t) => {
  const server = await startServer(t);
  const { id } = await server.createRunner();
  const locked = await server.createRunner({ locked: true });
  const group = await server.createRunner({ runner_type: "group_type", group_id: 10 });
  const instance = await server.createRunner({ runner_type: "instance_type" }, admin);
  const foreign = await server.createRunner({ project_id: 3 }, admin);
  const enable = (project: number, runner: number, token: string = dev) =>
    server.call("POST", `/projects/${project}/runners`, { token, json: { runner_id: runner } });
  refused(await enable(99, id), 404, "404 Project Not Found");
  refused(await enable(3, id), 403, "403 Forbidden");
  refused(await enable(2, 99), 404, "404 Runner Not Found");
  refused(await enable(2, group.id), 403, "403 Forbidden - Runner is a group runner");
  refused(await enable(2, group.id, admin), 403, "403 Forbidden - Runner is a group runner");
  refused(await enable(2, locked.id), 403, "403 Forbidden - Runner is locked");
  refused(await enable(2, foreign.id), 403, "403 Forbidden - No access granted");
  refused(await enable(2, instance.id), 403, "403 Forbidden - No access granted");
  assert.equal((await enable(2, instance.id, admin)).status, 400);
  const twice = await enable(1, id);
  assert.equal(twice.status, 400);
  assert.match(String(fields(twice).message), / - runner_error$/);
  assert.equal((await enable(2, locked.id, admin)).status, 201);
  const none = await server.call("POST", "/projects/2/runners", { token: dev, json: {} });
  assert.deepEqual([none.status, none.body], [400, { error: "runner_id is missing" }]);
});

test("disabling refuses for the owner project and for locked runners", { timeout }, async (t) => {
  const server = await startServer(t);
  const { id } = await server.createRunner();
  const disable = (project: number, token: string = dev) =>
    server.call("DELETE", `/projects/${project}/runners/${id}`, { token });
  const owner = "403 Forbidden - You cannot unassign a runner from the owner project. Delete the runner instead";
  refused(await disable(1), 403, owner);
  refused(await disable(1, admin), 403, owner);
  refused(await disable(1, outsider), 403, "403 Forbidden");
  await server.call("POST", "/projects/2/runners", { token: dev, json: { runner_id: id } });
  await server.call("PUT", `/runners/${id}`, { token: dev, json: { locked: true } });
  refused(await disable(2), 403, "403 Forbidden - Runner is locked");
  assert.equal((await disable(2, admin)).status, 204);
});

test("the runners of a project and of a group", { timeout }, async (t) => {
  const server = await startServer(t);
  const own = await server.createRunner();
  const group = await server.createRunner({ runner_type: "group_type", group_id: 10 });
  const instance = await server.createRunner({ runner_type: "instance_type" }, admin);
  const list = async (path: string, token: string = dev) => ids(await server.call("GET", path, { token }));
  assert.deepEqual(await list("/projects/1/runners"), [instance.id, group.id, own.id]);
  assert.deepEqual(await list("/projects/1/runners?scope=specific"), [own.id]);
  assert.deepEqual(await list("/projects/2/runners?type=project_type"), []);
  assert.deepEqual(await list("/projects/3/runners", admin), [instance.id]);
  assert.deepEqual(await list("/groups/homelab/runners"), [instance.id, group.id]);
  refused(await server.call("GET", "/projects/1/runners", { token: outsider }), 403, "403 Forbidden");
  refused(await server.call("GET", "/groups/10/runners", { token: outsider }), 403, "403 Forbidden");
  refused(await server.call("GET", "/groups/99/runners", { token: dev }), 404, "404 Group Not Found");
});
