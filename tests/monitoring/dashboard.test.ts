import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { dashboard, dashboardFile, type DashboardPanel } from "../../components/monitoring/dashboard.ts";
import { buildPromtool, buildTimeout, testRules } from "./promtool.ts";
import { podSamples } from "./runner-samples.ts";

const runner = { namespace: "ci", jobNamespace: "ci", release: "gitlab-runner", checkInterval: 30 };
const model = dashboard(runner);

/** Ranges as Grafana would put them in place of its variables. */
const ranges = { $__range: "3h", $__rate_interval: "5m", $__interval: "10m" };

function query(expr: string): string {
  const filled = Object.entries(ranges).reduce((text, [variable, range]) => text.replaceAll(variable, range), expr);
  assert.doesNotMatch(filled, /\$/, "no variable is left over");
  return filled;
}

/** What each query tells of the samples, three hours after they began: values by series. */
const expected: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "Manager pods: Manager pods": { "{}": 2 },
  "Version: {{version}}": { '{version="18.9.0"}': 2 },
  "Slots in use: Slots in use": { "{}": 0.5 },
  "Finished jobs: Finished jobs": { "{}": 1440 },
  "Runner failures: Runner failures": { "{}": 3 },
  "Running jobs: jobs": { "{}": 4 },
  "Running jobs: slots": { "{}": 8 },
  "Finished jobs: succeeded": { "{}": 60 },
  "Finished jobs: {{failure_reason}}": {
    '{failure_reason="script_failure"}': 20,
    '{failure_reason="runner_system_failure"}': 0,
  },
  "Queue time: 50 %": { "{}": 1 },
  "Queue time: 95 %": { "{}": 2.8 },
  "Job duration: 50 %": { "{}": 60 },
  "Job duration: 95 %": { "{}": 276 },
  "GitLab API responses: {{status}}": { '{status="204"}': 0.1, '{status="202"}': 0.2 },
  "GitLab API responses: no response, or 403": { "{}": 0.1 },
  "Warnings and errors: {{level}}": { '{level="warning"}': 0.1, '{level="error"}': 0 },
  "Manager CPU: {{pod}}": { '{pod="gitlab-runner-a"}': 0.05, '{pod="gitlab-runner-b"}': 0.05 },
  "Manager memory: {{pod}}": { '{pod="gitlab-runner-a"}': 52_428_800, '{pod="gitlab-runner-b"}': 52_428_800 },
};

const samples = [
  ...podSamples({ ...runner, pod: "gitlab-runner-a" }, [
    ["gitlab_runner_failed_jobs_total", { failure_reason: "runner_system_failure" }, "_x100 3x80"],
    ["gitlab_runner_worker_health_check_failures_total", {}, "0+6x180"],
  ]),
  ...podSamples({ ...runner, pod: "gitlab-runner-b" }),
  ...podSamples({ namespace: "other", release: "gitlab-runner", pod: "gitlab-runner-n" }),
  ...podSamples({ namespace: "ci", release: "gitlab-runner-two", pod: "gitlab-runner-two-n" }),
];

const queries = model.panels.flatMap(({ title, targets }) =>
  targets.map(({ expr, legendFormat }) => ({ name: `${title}: ${legendFormat}`, expr })),
);

describe("dashboard", { timeout: buildTimeout }, () => {
  before(buildPromtool, { timeout: buildTimeout });

  test("has an expected result for each query", () => {
    assert.deepEqual(queries.map(({ name }) => name).toSorted(), Object.keys(expected).toSorted());
  });

  for (const { name, expr } of queries) {
    test(`tells of ${name} what the samples say`, { timeout: 60_000 }, async () => {
      const values = Object.entries(expected[name] ?? {});
      await testRules({ groups: [] }, samples, {
        expr: query(expr),
        eval_time: "180m",
        exp_samples: values.map(([labels, value]) => ({ labels, value })),
      });
    });
  }

  test("shows no failures where there is no job at all, instead of no data", { timeout: 60_000 }, async () => {
    const { expr = "" } = queries.find(({ name }) => name === "Runner failures: Runner failures") ?? {};
    await testRules({ groups: [] }, [], {
      expr: query(expr),
      eval_time: "180m",
      exp_samples: [{ labels: "{}", value: 0 }],
    });
  });

  test("is a model that Grafana can place: panels with ids of their own, side by side in its grid", () => {
    const { panels } = model;
    assert.deepEqual(
      panels.map(({ id }) => id),
      panels.map((_, index) => index + 1),
    );
    for (const { title, gridPos, targets, datasource } of panels) {
      assert.ok(gridPos.x >= 0 && gridPos.w > 0 && gridPos.x + gridPos.w <= 24, `${title} is in the grid`);
      assert.deepEqual(
        targets.map(({ refId }) => refId),
        ["A", "B", "C"].slice(0, targets.length),
      );
      assert.deepEqual(datasource, { type: "prometheus", uid: "${datasource}" });
    }
    const overlapping = panels.flatMap((panel, index) =>
      panels.slice(index + 1).filter((other) => overlap(panel, other)),
    );
    assert.deepEqual(overlapping, []);
  });

  test("belongs to no Grafana: its data source is chosen there, its id is given there", () => {
    assert.equal(model.id, null);
    assert.deepEqual(
      model.templating.list.map(({ name, type, query }) => ({ name, type, query })),
      [{ name: "datasource", type: "datasource", query: "prometheus" }],
    );
    assert.match(model.uid, /^[\w-]{1,40}$/);
  });

  test("is the same every time, and another for another runner", () => {
    assert.equal(JSON.stringify(dashboard(runner)), JSON.stringify(model));
    for (const other of [
      { ...runner, namespace: "other" },
      { ...runner, release: "other" },
    ]) {
      const { uid, title } = dashboard(other);
      assert.notEqual(uid, model.uid);
      assert.notEqual(title, model.title);
      assert.notEqual(dashboardFile(other), dashboardFile(runner));
    }
  });
});

function overlap({ gridPos: a }: DashboardPanel, { gridPos: b }: DashboardPanel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
