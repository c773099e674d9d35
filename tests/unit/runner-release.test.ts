import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RunnerRelease } from "../../components/runner-release.ts";
import { chartSettings } from "../../components/settings/chart.ts";
import { managerSettings } from "../../components/settings/manager.ts";
import { deploy, valueOf } from "./mock-engine.ts";
import { someRelease } from "./some-release.ts";

const args = someRelease();
const releaseType = "kubernetes:helm.sh/v3:Release";
const budgetType = "kubernetes:policy/v1:PodDisruptionBudget";

describe("RunnerRelease", { timeout: 20_000 }, () => {
  test("installs the pinned chart from GitLab's repository, under its own name", async () => {
    const { one, result } = await deploy(() => new RunnerRelease("release", args));
    const { inputs } = one(releaseType);
    assert.equal(inputs["name"], "gitlab-runner");
    assert.equal(inputs["namespace"], "ci");
    assert.equal(inputs["chart"], "gitlab-runner");
    assert.equal(inputs["version"], "0.86.0");
    assert.deepEqual(inputs["repositoryOpts"], { repo: "https://charts.gitlab.io" });
    assert.equal(inputs["timeout"], 300);
    assert.equal((await valueOf(result.status)).status, "deployed");
  });

  test("installs a chart from a path, where there is no network", async () => {
    const chart = chartSettings.parse({ path: "./gitlab-runner-0.86.0.tgz" });
    const { one } = await deploy(() => new RunnerRelease("release", { ...args, chart }));
    const { inputs } = one(releaseType);
    assert.equal(inputs["chart"], "./gitlab-runner-0.86.0.tgz");
    assert.equal(inputs["repositoryOpts"], undefined);
  });

  test("protects several managers, but not a single one", async () => {
    const single = await deploy(() => new RunnerRelease("release", args));
    assert.deepEqual(single.all(budgetType), []);
    const manager = managerSettings.parse({ replicas: 2 });
    const several = await deploy(() => new RunnerRelease("release", { ...args, manager }));
    assert.deepEqual(several.one(budgetType).inputs["spec"], {
      maxUnavailable: 1,
      selector: { matchLabels: { app: "gitlab-runner" } },
    });
    assert.equal((several.one(releaseType).inputs["values"] as { replicas: number }).replicas, 2);
  });
});
