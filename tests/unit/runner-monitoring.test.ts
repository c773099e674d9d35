import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { readStackConfig } from "../../components/config.ts";
import { GitLabRunner } from "../../components/gitlab-runner.ts";
import { alertRules } from "../../components/monitoring/alert-rules.ts";
import { dashboard } from "../../components/monitoring/dashboard.ts";
import { RunnerMonitoring } from "../../components/runner-monitoring.ts";
import { deploy, valueOf } from "./mock-engine.ts";

const ruleType = "kubernetes:monitoring.coreos.com/v1:PrometheusRule";
const configMapType = "kubernetes:core/v1:ConfigMap";
const releaseType = "kubernetes:helm.sh/v3:Release";

const runner = { release: "gitlab-runner", namespace: "ci", jobNamespace: "ci-jobs", checkInterval: 30 };

describe("RunnerMonitoring", { timeout: 20_000 }, () => {
  test("makes alert rules where Prometheus' operator looks for them", async () => {
    const labels = { release: "kube-prometheus-stack" };
    const { one, all, result } = await deploy(
      () => new RunnerMonitoring("monitoring", { ...runner, alerts: true, labels }),
    );
    const { inputs } = one(ruleType);
    assert.equal(inputs["apiVersion"], "monitoring.coreos.com/v1");
    assert.equal(inputs["kind"], "PrometheusRule");
    assert.deepEqual(inputs["metadata"], { name: "gitlab-runner", namespace: "ci", labels });
    assert.deepEqual(inputs["spec"], alertRules(runner));
    assert.equal(await valueOf(result.alertRules), "gitlab-runner");
    assert.deepEqual(all(configMapType), []);
    assert.equal(result.dashboard, undefined);
  });

  test("makes a dashboard where Grafana's sidecar looks for it", async () => {
    const { one, all, result } = await deploy(() => new RunnerMonitoring("monitoring", { ...runner, dashboard: true }));
    const { metadata, data } = one(configMapType).inputs as {
      metadata: { name: string; namespace: string; labels: object };
      data: Record<string, string>;
    };
    assert.deepEqual(metadata, {
      name: "gitlab-runner-dashboard",
      namespace: "ci",
      labels: { grafana_dashboard: "1" },
    });
    assert.deepEqual(Object.keys(data), ["ci.gitlab-runner.json"]);
    assert.deepEqual(JSON.parse(data["ci.gitlab-runner.json"] ?? ""), dashboard(runner));
    assert.equal(await valueOf(result.dashboard), "gitlab-runner-dashboard");
    assert.deepEqual(all(ruleType), []);
    assert.equal(result.alertRules, undefined);
  });

  test("needs no value before it is known", async () => {
    const outputs = { ...runner, namespace: pulumi.output("ci"), checkInterval: pulumi.output(30) };
    const { one } = await deploy(
      () => new RunnerMonitoring("monitoring", { ...outputs, alerts: true, dashboard: true }),
    );
    assert.deepEqual(one(ruleType).inputs["spec"], alertRules(runner));
  });
});

describe("GitLabRunner's monitoring", { timeout: 20_000 }, () => {
  const registration = { runnerType: "project" as const, projectId: 1, tags: ["kubernetes"] };
  const deployWith = (manager: object, chart = {}) =>
    deploy(() => new GitLabRunner("gitlab-runner", { registration, cache: false, manager, chart }));
  const podMonitorOf = (inputs: Record<string, unknown>) =>
    (inputs["values"] as { metrics: { podMonitor: object } }).metrics.podMonitor;

  test("is off by default", async () => {
    const { one, all } = await deployWith({});
    assert.deepEqual([...all(ruleType), ...all(configMapType)], []);
    assert.deepEqual(podMonitorOf(one(releaseType).inputs), { enabled: false });
  });

  test("is all there when it is asked for, with the labels on PodMonitor and rules", async () => {
    const monitoringLabels = { release: "kube-prometheus-stack" };
    const { one } = await deployWith({
      ...{ metrics: true, podMonitor: true, alerts: true, dashboard: true },
      monitoringLabels,
    });
    const rules = one(ruleType).inputs;
    assert.deepEqual((rules["metadata"] as { labels: object }).labels, monitoringLabels);
    assert.deepEqual(
      rules["spec"],
      alertRules({ ...runner, namespace: "gitlab-runner", jobNamespace: "gitlab-runner" }),
    );
    assert.ok(one(configMapType));
    assert.deepEqual(podMonitorOf(one(releaseType).inputs), { enabled: true, labels: monitoringLabels });
  });

  test("leaves the PodMonitor's other values to the stack", async () => {
    const { one } = await deployWith(
      { metrics: true, podMonitor: true, monitoringLabels: { team: "ci" } },
      { values: { metrics: { podMonitor: { interval: "15s", labels: { tier: "build" } } } } },
    );
    assert.deepEqual(podMonitorOf(one(releaseType).inputs), {
      enabled: true,
      interval: "15s",
      labels: { team: "ci", tier: "build" },
    });
  });
});

describe("the configuration of monitoring", { timeout: 20_000 }, () => {
  before(async () => {
    await deploy(() => undefined); // Names project and stack.
  });

  function read(config: Readonly<Record<string, unknown>>): void {
    const entries = Object.entries({ projectId: 1, ...config });
    pulumi.runtime.setAllConfig(
      Object.fromEntries(entries.map(([key, value]) => [`gitlab-runner:${key}`, JSON.stringify(value)])),
    );
    readStackConfig("gitlab-runner");
  }
  const refuses = (config: Readonly<Record<string, unknown>>, message: RegExp) => {
    assert.throws(() => {
      read(config);
    }, message);
  };

  for (const key of ["podMonitor", "alerts", "dashboard"]) {
    test(`refuses manager.${key} without metrics`, () => {
      refuses(
        { manager: { [key]: true } },
        new RegExp(`manager\\.${key}: .*manager\\.metrics is false.*\\n.*manager\\.metrics true`),
      );
      read({ manager: { [key]: true, metrics: true } });
    });
  }

  test("refuses labels for nothing", () => {
    const monitoringLabels = { release: "kube-prometheus-stack" };
    refuses(
      { manager: { metrics: true, dashboard: true, monitoringLabels } },
      /manager\.monitoringLabels: .*nothing to label.*\n.*manager\.podMonitor true/,
    );
    read({ manager: { metrics: true, alerts: true, monitoringLabels } });
    read({ manager: { metrics: true, podMonitor: true, monitoringLabels } });
  });

  test("refuses what is no label, with one that is", () => {
    refuses(
      { manager: { monitoringLabels: { "my label": "x" } } },
      /manager\.monitoringLabels\["my label"\]: .*\n.*config set .*monitoringLabels\.release/,
    );
    refuses(
      { manager: { monitoringLabels: { release: "a b" } } },
      /manager\.monitoringLabels\.release: .*but is "a b"/,
    );
  });

  test("refuses a label that the chart's values set, too", () => {
    const manager = { metrics: true, podMonitor: true, monitoringLabels: { team: "ci" } };
    const values = (labels: object) => ({ values: { metrics: { podMonitor: { labels } } } });
    refuses(
      { manager, chart: values({ team: "other" }) },
      /chart\.values\.metrics\.podMonitor\.labels\.team: .*this program/,
    );
    read({ manager, chart: values({ tier: "build" }) });
  });
});
