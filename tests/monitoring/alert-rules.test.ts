import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { alertRules, type AlertRule } from "../../components/monitoring/alert-rules.ts";
import type { MonitoredRunner } from "../../components/monitoring/monitored-runner.ts";
import { buildPromtool, buildTimeout, checkRules, testRules, type InputSeries } from "./promtool.ts";
import { podSamples, type Changes } from "./runner-samples.ts";

const runner: MonitoredRunner = {
  namespace: "ci",
  jobNamespace: "ci-jobs",
  release: "gitlab-runner",
  checkInterval: 30,
};
const rules = alertRules(runner);

function ruleOf(name: string): AlertRule {
  const rule = rules.groups.flatMap(({ rules }) => rules).find(({ alert }) => alert === name);
  assert.ok(rule, `there is no alert ${name}`);
  return rule;
}

const pod = (suffix: string, changes: Changes = []) =>
  podSamples({ ...runner, pod: `gitlab-runner-${suffix}` }, changes);

/** Runners that must not be mistaken for this one: of its name elsewhere, and of another name beside it. */
function neighbours(changes: Changes): InputSeries[] {
  return [
    ...podSamples({ namespace: "other", release: "gitlab-runner", pod: "gitlab-runner-n" }, changes),
    ...podSamples({ namespace: "ci", release: "gitlab-runner-two", pod: "gitlab-runner-two-n" }, changes),
  ];
}

const fails = (reason: string, values: string): Changes[number] => [
  "gitlab_runner_failed_jobs_total",
  { failure_reason: reason },
  values,
];
const ended = (values: string): Changes[number] => ["gitlab_runner_job_duration_seconds_count", {}, values];
const running = (jobs: string): Changes[number] => [
  "gitlab_runner_jobs",
  { state: "running", stage: "step_script", executor_stage: "prepare" },
  jobs,
];
const slots = (values: string): Changes[number] => ["gitlab_runner_worker_slots_number", {}, values];
const skipped = (values: string): Changes[number] => ["gitlab_runner_worker_feed_failures_total", {}, values];
const failedPolls = (values: string): Changes[number] => [
  "gitlab_runner_worker_health_check_failures_total",
  {},
  values,
];
const answers = (status: string, values: string): Changes[number] => [
  "gitlab_runner_api_request_statuses_total",
  { exported_endpoint: "request_job", status },
  values,
];

/** What makes each alert of another runner fire. */
const trouble = {
  GitLabRunnerDown: [["up", {}, "0x180"]],
  GitLabRunnerNotPolling: [skipped("0+1x180")],
  GitLabRunnerJobsFailing: [fails("runner_system_failure", "0+4x180")],
  GitLabRunnerAtConcurrencyLimit: [running("4x180")],
  GitLabRunnerApiErrors: [answers("500", "0+9x180")],
} satisfies Readonly<Record<string, Changes>>;

type AlertName = keyof typeof trouble;

interface Case {
  readonly title: string;
  readonly series: readonly InputSeries[];
  readonly at: string;
  /** Each alert that is sent: the value that it tells, and labels beside those of the runner. */
  readonly sent?: readonly { readonly value?: string; readonly labels?: Readonly<Record<string, string>> }[];
}

const cases: Readonly<Record<AlertName, readonly Case[]>> = {
  GitLabRunnerDown: [
    { title: "no pod is known", series: [], at: "6m", sent: [{}] },
    { title: "no pod is known, though only for a short time", series: [], at: "4m" },
    {
      title: "the pods do not answer",
      series: pod("a", [["up", {}, "0x180"]]),
      at: "60m",
      sent: [{}],
    },
    { title: "its pod vanishes", series: pod("a", [["up", {}, "1x60 stale"]]), at: "66m", sent: [{}] },
    { title: "one of its pods answers", series: [...pod("a"), ...pod("b", [["up", {}, "0x180"]])], at: "60m" },
  ],
  GitLabRunnerNotPolling: [
    {
      title: "a pod has turned itself off",
      series: [...pod("a", [failedPolls("0x60 3x120"), skipped("0x60 1+2x120")]), ...pod("b")],
      at: "70m",
      sent: [{ labels: { pod: "gitlab-runner-a" } }],
    },
    {
      title: "a request for a job fails now and then",
      series: pod("a", [failedPolls("0x60 1x30 2x30 3x60")]),
      at: "100m",
    },
    { title: "that is long over", series: pod("a", [skipped("0x60 1+2x30 61x90")]), at: "120m" },
  ],
  GitLabRunnerJobsFailing: [
    {
      title: "the runner fails half of the jobs",
      series: pod("a", [fails("runner_system_failure", "_x60 2+2x120")]),
      at: "150m",
      sent: [{ value: "50%" }],
    },
    {
      title: "images cannot be pulled",
      series: pod("a", [fails("image_pull_failure", "_x60 2+2x120")]),
      at: "150m",
      sent: [{ value: "50%" }],
    },
    {
      title: "the first three jobs of a pod fail",
      series: pod("a", [ended("_x100 1 2 3x80"), fails("runner_system_failure", "_x100 1 2 3x80")]),
      at: "110m",
      sent: [{ value: "100%" }],
    },
    {
      title: "jobs fail after the manager has started anew",
      series: pod("a", [ended("0+4x100 1+1x80"), fails("runner_system_failure", "500x100 1+1x80")]),
      at: "120m",
      sent: [{ value: "100%" }],
    },
    {
      title: "two jobs fail, the only ones",
      series: pod("a", [ended("_x100 1 2x80"), fails("runner_system_failure", "_x100 1 2x80")]),
      at: "110m",
    },
    { title: "a few of many jobs fail", series: pod("a", [fails("runner_system_failure", "0+1x180")]), at: "150m" },
    {
      title: "jobs fail by themselves",
      series: pod(
        "a",
        ["script_failure", "job_execution_timeout", "configuration_error", "job_canceled"].map((reason) =>
          fails(reason, "0+1x180"),
        ),
      ),
      at: "150m",
    },
    {
      title: "that is more than an hour ago",
      series: pod("a", [fails("runner_system_failure", "0+4x60 240x120")]),
      at: "130m",
    },
    {
      title: "there are no jobs",
      series: pod("a", [ended("4x180"), fails("runner_system_failure", "4x180")]),
      at: "150m",
    },
  ],
  GitLabRunnerAtConcurrencyLimit: [
    {
      title: "all slots are taken for long",
      series: pod("a", [running("2x60 4x120")]),
      at: "92m",
      sent: [{ value: "4" }],
    },
    { title: "all slots are taken, though not for long", series: pod("a", [running("2x60 4x120")]), at: "88m" },
    {
      title: "a slot is free at times",
      series: pod("a", [running("4x20 3 4x20 3 4x20 3 4x20 3 4x20 3 4x80")]),
      at: "100m",
    },
    { title: "another pod has free slots", series: [...pod("a", [running("4x180")]), ...pod("b")], at: "60m" },
    {
      title: "all slots are taken while another pod finishes its last jobs",
      series: [...pod("a", [running("4x180")]), ...pod("old", [running("2x180"), slots("2x180")])],
      at: "60m",
      sent: [{ value: "6" }],
    },
  ],
  GitLabRunnerApiErrors: [
    {
      title: "GitLab has internal errors",
      series: pod("a", [answers("500", "0+6x180")]),
      at: "60m",
      sent: [{ value: "40%" }],
    },
    {
      title: "GitLab limits the rate of requests",
      series: pod("a", [answers("429", "0+3x180")]),
      at: "60m",
      sent: [{ value: "25%" }],
    },
    { title: "GitLab has errors for a short time", series: pod("a", [answers("502", "0+3x10 33x170")]), at: "12m" },
    {
      title: "jobs were canceled meanwhile",
      series: pod("a", [answers("403", "0+3x180"), answers("409", "0+3x180")]),
      at: "60m",
    },
  ],
};

function expected(
  { annotations, labels }: AlertRule,
  { value = "", labels: own = {} }: NonNullable<Case["sent"]>[number],
) {
  const values: Readonly<Record<string, string | undefined>> = {
    $value: value,
    "$value | humanizePercentage": value,
    "$labels.pod": own["pod"],
  };
  const text = (template: string) =>
    template.replaceAll(/\{\{ (.*?) \}\}/g, (_, name: string) => values[name] ?? `no ${name}`);
  return {
    exp_labels: { ...labels, namespace: runner.namespace, container: runner.release, ...own },
    exp_annotations: Object.fromEntries(Object.entries(annotations).map(([key, template]) => [key, text(template)])),
  };
}

describe("alertRules", { timeout: buildTimeout }, () => {
  before(buildPromtool, { timeout: buildTimeout });

  test("are rules that Prometheus loads", { timeout: 60_000 }, async () => {
    await checkRules(rules);
    await assert.rejects(checkRules({ groups: [{ name: "g", rules: [{ alert: "A", expr: "sum(" }] }] }), /parse error/);
  });

  test("have a case each", () => {
    const names = rules.groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    assert.deepEqual(names, Object.keys(cases));
  });

  for (const [name, list] of Object.entries(cases) as [AlertName, readonly Case[]][]) {
    for (const { title, series, at, sent = [] } of list) {
      test(`${name} is ${sent.length > 0 ? "sent" : "not sent"} when ${title}`, { timeout: 60_000 }, async () => {
        const rule = ruleOf(name);
        await testRules(rules, [...series, ...neighbours(sent.length > 0 ? [] : trouble[name])], {
          alertname: name,
          eval_time: at,
          exp_alerts: sent.map((alert) => expected(rule, alert)),
        });
      });
    }

    test(`${name} is sent for a runner elsewhere`, { timeout: 60_000 }, async () => {
      const elsewhere = { ...runner, namespace: "other", release: "gitlab-runner" };
      const own = alertRules(elsewhere);
      const alerts = own.groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert === name);
      assert.equal(alerts.length, 1);
      await assert.rejects(
        testRules(own, neighbours(trouble[name]), { alertname: name, eval_time: "60m", exp_alerts: [] }),
        new RegExp(`${name}.*namespace="other"`, "s"),
      );
    });
  }

  test("wait for several polls, however seldom they are", () => {
    const seldom = alertRules({ ...runner, checkInterval: 600 });
    const [group] = seldom.groups;
    const ranges = group?.rules.map(({ expr }) => /\[(\w+)\]/.exec(expr)?.[1]);
    assert.deepEqual(ranges, [undefined, "40m", undefined, undefined, "40m"]);
  });
});
