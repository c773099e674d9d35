import assert from "node:assert/strict";
import { test } from "node:test";
import { Gitlab, GitbeakerRequestError } from "@gitbeaker/rest";
import { startServer, tokens } from "./gitlab-test-server.ts";

const timeout = 30_000;

test("a client that no one here wrote manages runners", { timeout }, async (t) => {
  const { url, control } = await startServer(t);
  const gitlab = new Gitlab({ host: url, token: tokens.dev });
  const created = await gitlab.Users.createCIRunner("project_type", {
    projectId: 1,
    description: "from the client",
    tagList: ["kubernetes", "homelab"],
    runUntagged: false,
    maximumTimeout: 3600,
  });
  assert.match(created.token, /^glrt-t3_/);
  const shown = await gitlab.Runners.show(created.id);
  assert.deepEqual(
    [shown.description, shown.tag_list, shown.run_untagged, shown.maximum_timeout, shown.projects.map(({ id }) => id)],
    ["from the client", ["kubernetes", "homelab"], false, 3600, [1]],
  );
  const edited = await gitlab.Runners.edit(created.id, { description: "edited", tagList: ["a"], paused: true });
  assert.deepEqual([edited.description, edited.tag_list, edited.paused], ["edited", ["a"], true]);
  assert.equal((await gitlab.Projects.show("homelab/two")).id, 2);
  assert.equal((await gitlab.Groups.show("homelab")).id, 10);
  assert.equal((await gitlab.Users.showCurrentUser()).username, "dev");

  assert.equal((await gitlab.Runners.enable("homelab/two", created.id)).id, created.id);
  assert.deepEqual(
    (await gitlab.Runners.show(created.id)).projects.map(({ id }) => id),
    [1, 2],
  );
  await assert.rejects(gitlab.Runners.remove({ runnerId: created.id }), (error) => {
    assert.ok(error instanceof GitbeakerRequestError);
    assert.equal(error.cause?.response.status, 403);
    assert.match(error.cause.description, /Runner associated with more than one project/);
    return true;
  });
  await gitlab.Runners.disable(2, created.id);
  await gitlab.Runners.remove({ runnerId: created.id });
  await assert.rejects(gitlab.Runners.show(created.id), /Not Found/);
  assert.deepEqual((await control.state()).runners, []);
});

test("the client pages through all runners", { timeout }, async (t) => {
  const server = await startServer(t);
  for (let count = 0; count < 45; count += 1) {
    await server.createRunner();
  }
  const gitlab = new Gitlab({ host: server.url, token: tokens.dev });
  assert.equal((await gitlab.Runners.all({ owned: true })).length, 45);
  assert.equal((await gitlab.Runners.all({ projectId: 1, perPage: 10 })).length, 45);
  assert.equal((await gitlab.Runners.all({ projectId: 1, perPage: 10, maxPages: 2 })).length, 20);
  const admin = new Gitlab({ host: server.url, token: tokens.admin });
  assert.equal((await admin.Runners.all({ type: "project_type" })).length, 45);
});
