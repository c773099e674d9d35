import { growth, metrics, runnerFailures, runnerLabels, series, type MonitoredRunner } from "./monitored-runner.ts";

/** An alerting rule of Prometheus; see https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ */
export interface AlertRule {
  /** Its name. */
  readonly alert: string;
  /** The alert is active while this has a result. */
  readonly expr: string;
  /** How long it must be active before it fires. */
  readonly for: string;
  readonly labels: {
    /** `critical`: no jobs run; `warning`: they run late, or some of them fail. */
    readonly severity: "critical" | "warning";
  };
  readonly annotations: {
    /** What is wrong, in one line. */
    readonly summary: string;
    /** What is wrong, in detail. */
    readonly description: string;
    /** What to do. */
    readonly runbook: string;
  };
}

/** Specification of a PrometheusRule; see https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusRuleSpec */
export interface PrometheusRuleSpec {
  readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[];
}

/** Minimum number of failed jobs for {@link jobsFailing}, so that it does not fire for one mistyped image name. */
const leastFailures = 3;

/** @returns the alerts of one runner */
export function alertRules(runner: MonitoredRunner): PrometheusRuleSpec {
  const rules = [down, notPolling, jobsFailing, atConcurrencyLimit, apiErrors].map((rule) => rule(runner));
  return { groups: [{ name: `${runner.namespace}/${runner.release}`, rules }] };
}

function down(runner: MonitoredRunner): AlertRule {
  const up = series(runner, metrics.up);
  return {
    alert: "GitLabRunnerDown",
    expr: `absent(${up}) or max by (${runnerLabels}) (${up}) == 0`,
    for: "5m",
    labels: { severity: "critical" },
    annotations: {
      summary: `${title(runner)} is down`,
      description: "Prometheus cannot scrape any manager pod of this runner, so its jobs probably wait in GitLab.",
      runbook:
        `List its pods: ${kubectl(runner, "get pods")}. See why one does not start: ${kubectl(runner, "describe pods")}. ` +
        "If they run, Prometheus cannot reach port 9252: check the PodMonitor, its labels, and the NetworkPolicies.",
    },
  };
}

/**
 * After three failed requests for a job in a row, the runner sends none for an hour.
 * Source: https://docs.gitlab.com/runner/configuration/advanced-configuration/#the-runners-section (unhealthy_interval)
 */
function notPolling(runner: MonitoredRunner): AlertRule {
  const skipped = series(runner, metrics.skippedPolls);
  return {
    alert: "GitLabRunnerNotPolling",
    expr: `sum by (${runnerLabels}, pod) (increase(${skipped}[${minutes(runner, 10)}])) > 0`,
    for: "5m",
    labels: { severity: "critical" },
    annotations: {
      summary: `${title(runner)} has stopped polling GitLab for jobs`,
      description:
        "Three polls in a row got no response or were refused with 403, so pod {{ $labels.pod }} does not poll for an hour.",
      runbook:
        `The log says which: ${log(runner)} | grep 'Checking for jobs'. ` +
        "Refused: the runner was deleted in GitLab, or its token was revoked; set the stack's rotation to a new value, and run " +
        "pulumi up. No response: check gitlabUrl, DNS, GitLab's certificate, and the NetworkPolicies. " +
        `Then restart it, so that it polls at once: kubectl --namespace ${runner.namespace} rollout restart deployment ${runner.release}.`,
    },
  };
}

function jobsFailing(runner: MonitoredRunner): AlertRule {
  const sum = `sum by (${runnerLabels})`;
  const failed = `${sum} ${growth(series(runner, metrics.failedJobs, runnerFailures), "1h")}`;
  const ended = `${sum} ${growth(series(runner, `${metrics.jobDuration}_count`), "1h")}`;
  return {
    alert: "GitLabRunnerJobsFailing",
    expr: `${failed} / ${ended} > 0.25 and ${failed} >= ${leastFailures}`,
    for: "5m",
    labels: { severity: "warning" },
    annotations: {
      summary: `Jobs of ${title(runner)} fail for reasons other than their scripts`,
      description:
        "{{ $value | humanizePercentage }} of the jobs that finished in the last hour failed because of the runner, or because " +
        "an image could not be pulled. Failed scripts, timeouts and canceled jobs are not counted.",
      runbook:
        `Jobs and reasons: ${log(runner)} | grep 'Job failed'. ` +
        `Pods that could not start or were evicted: kubectl --namespace ${runner.jobNamespace} get events. ` +
        "image_pull_failure: check the registry, jobs.imagePullSecrets and the image's name. Out of memory: raise " +
        "jobs.resources or jobs.helperResources.",
    },
  };
}

function atConcurrencyLimit(runner: MonitoredRunner): AlertRule {
  const sum = `sum by (${runnerLabels})`;
  return {
    alert: "GitLabRunnerAtConcurrencyLimit",
    expr: `${sum} (${series(runner, metrics.jobs)}) >= ${sum} (${series(runner, metrics.slots)})`,
    for: "30m",
    labels: { severity: "warning" },
    annotations: {
      summary: `${title(runner)} has no free slots`,
      description: "All of its {{ $value }} slots have been in use for half an hour, so further jobs wait in GitLab.",
      runbook:
        "If the nodes have room, raise manager.concurrent or manager.replicas, and the quota, if there is one. " +
        "Jobs that hang also use slots; the oldest come first in: " +
        `kubectl --namespace ${runner.jobNamespace} get pods --sort-by .metadata.creationTimestamp.`,
    },
  };
}

function apiErrors(runner: MonitoredRunner): AlertRule {
  const range = minutes(runner, 15);
  const rate = (...matchers: string[]) =>
    `sum by (${runnerLabels}) (rate(${series(runner, metrics.apiAnswers, ...matchers)}[${range}]))`;
  return {
    alert: "GitLabRunnerApiErrors",
    expr: `${rate('status=~"5..|429"')} / ${rate()} > 0.1`,
    for: "15m",
    labels: { severity: "warning" },
    annotations: {
      summary: `${title(runner)} gets errors from GitLab`,
      description:
        "{{ $value | humanizePercentage }} of GitLab's responses have a status of 5xx or 429: jobs start late, and their logs lag behind.",
      runbook:
        `The statuses are on the dashboard and in the log: ${log(runner)} | grep 'status='. ` +
        "5xx: GitLab itself, or a proxy in front of it, has a problem. 429: it limits the rate of requests; raise its limit, or " +
        "manager.checkInterval.",
    },
  };
}

function title({ namespace, release }: MonitoredRunner): string {
  return `GitLab runner ${release} in namespace ${namespace}`;
}

function kubectl({ namespace, release }: MonitoredRunner, command: string): string {
  return `kubectl --namespace ${namespace} ${command} --selector app=${release}`;
}

function log(runner: MonitoredRunner): string {
  return `${kubectl(runner, "logs")} --container ${runner.release} --tail 500`;
}

/** @returns a range that covers several requests for jobs, even with a long interval */
function minutes({ checkInterval }: MonitoredRunner, least: number): string {
  return `${Math.max(least, Math.ceil((4 * checkInterval) / 60))}m`;
}
