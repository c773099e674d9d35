import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { alertRules } from "../../components/monitoring/alert-rules.ts";
import { dashboard } from "../../components/monitoring/dashboard.ts";
import { metrics } from "../../components/monitoring/monitored-runner.ts";
import { labelsOf, labelValues, sample } from "./runner-samples.ts";

const runner = { namespace: "ci", jobNamespace: "ci", release: "gitlab-runner", checkInterval: 30 };

const expressions = [
  ...alertRules(runner).groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ name: alert, expr }))),
  ...dashboard(runner).panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ name: title, expr }))),
];

/** The selectors of an expression: each metric with its matchers. */
function selectors(expr: string) {
  return [...expr.matchAll(/([a-zA-Z_]\w*)\{([^}]*)\}/g)].map(([, metric = "", matchers = ""]) => ({
    metric,
    matchers: [...matchers.matchAll(/(\w+)(=~|=)"([^"]*)"/g)].map(([, label = "", , value = ""]) => ({ label, value })),
  }));
}

describe("the metrics of a runner", () => {
  test("are among those of GitLab Runner 18.9 and its process", () => {
    const histograms: string[] = [metrics.jobDuration, metrics.queueDuration];
    const unknown = Object.values(metrics).filter(
      (name) => labelsOf(histograms.includes(name) ? `${name}_count` : name) === undefined,
    );
    assert.deepEqual(unknown, []);
  });

  for (const [index, { name, expr }] of expressions.entries()) {
    test(`are in the expression of ${name} (${index + 1}) with labels and values that they have`, () => {
      const used = selectors(expr);
      assert.ok(used.length > 0);
      const groups = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(", "));
      for (const { metric, matchers } of used) {
        const labels = labelsOf(metric);
        assert.ok(labels, `there is a metric ${metric}`);
        const own = Object.fromEntries(matchers.map(({ label, value }) => [label, value]));
        assert.equal(own["namespace"], runner.namespace, "other namespaces are left out");
        assert.equal(own["container"], runner.release, "other runners are left out");
        for (const label of [...matchers.map(({ label }) => label), ...groups]) {
          assert.ok(labels.includes(label), `${metric} has a label ${label}`);
        }
        for (const { label, value } of matchers) {
          const values = labelValues[label];
          const wrong = values === undefined ? [] : value.split("|").filter((one) => !values.includes(one));
          assert.deepEqual(wrong, [], `${label} of ${metric} has these values`);
        }
      }
    });
  }

  test("cannot be misspelt in samples", () => {
    const pod = { namespace: "ci", release: "gitlab-runner", pod: "gitlab-runner-a" };
    assert.throws(() => sample(pod, "gitlab_runner_failures_total", {}, "0"), /no metric gitlab_runner_failures_total/);
    assert.throws(() => sample(pod, metrics.jobDuration, {}, "0"), /no metric/);
    assert.throws(() => sample(pod, metrics.slots, { state: "idle" }, "0"), /has no state/);
    assert.throws(
      () => sample(pod, metrics.failedJobs, { failure_reason: "bad_luck" }, "0"),
      /failure_reason=bad_luck/,
    );
    assert.throws(() => sample(pod, metrics.failedJobs, {}, "0"), /needs a value for failure_reason/);
  });
});
