import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RunnerRegistration } from "../../components/runner-registration.ts";
import { deploy, isSecret, valueOf } from "./mock-engine.ts";

const runnerType = "gitlab:index/userRunner:UserRunner";
const enablementType = "gitlab:index/projectRunnerEnablement:ProjectRunnerEnablement";

describe("RunnerRegistration", { timeout: 20_000 }, () => {
  test("creates a project runner with GitLab's own terms", async () => {
    const { one, all, result } = await deploy(
      () =>
        new RunnerRegistration("runner", {
          runnerType: "project",
          projectId: 75488734,
          tags: ["kubernetes", "homelab"],
        }),
    );
    assert.deepEqual(one(runnerType).inputs, {
      runnerType: "project_type",
      projectId: 75488734,
      tagLists: ["kubernetes", "homelab"],
      untagged: false,
      locked: false,
      paused: false,
      accessLevel: "not_protected",
      // Empty rather than absent: the provider would keep what was there before.
      description: "",
      maintenanceNote: "",
    });
    assert.deepEqual(all(enablementType), []);
    assert.equal(await valueOf(result.runnerId), 4711);
    assert.deepEqual(await valueOf(result.tags), ["kubernetes", "homelab"]);
    assert.equal(await valueOf(result.token), "glrt-t3_aaaaaaaaaaaaaaaaaaaa");
    assert.ok(await isSecret(result.token), "the token is a secret");
  });

  test("passes every setting on", async () => {
    const { one } = await deploy(
      () =>
        new RunnerRegistration("runner", {
          runnerType: "group",
          groupId: 12,
          tags: [],
          runUntagged: true,
          locked: true,
          paused: true,
          protectedOnly: true,
          description: "builds",
          maintenanceNote: "ask the platform team",
          maximumTimeout: 3600,
        }),
    );
    assert.deepEqual(one(runnerType).inputs, {
      runnerType: "group_type",
      groupId: 12,
      tagLists: [],
      untagged: true,
      locked: true,
      paused: true,
      accessLevel: "ref_protected",
      description: "builds",
      maintenanceNote: "ask the platform team",
      maximumTimeout: 3600,
    });
  });

  test("enables the runner for each additional project, by id or path", async () => {
    const { all, result } = await deploy(
      () =>
        new RunnerRegistration("runner", {
          runnerType: "project",
          projectId: 1,
          tags: ["kubernetes"],
          extraProjects: [2, "group/project"],
        }),
    );
    assert.deepEqual(
      all(enablementType).map(({ inputs }) => inputs),
      [
        { project: "2", runnerId: 4711 },
        { project: "group/project", runnerId: 4711 },
      ],
    );
    assert.deepEqual(await valueOf(result.enabledProjects), ["2", "group/project"]);
  });
});
