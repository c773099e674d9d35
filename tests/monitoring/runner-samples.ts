import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MonitoredRunner } from "../../components/monitoring/monitored-runner.ts";
import type { InputSeries } from "./promtool.ts";

interface Metric {
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
}

/** Facts from the source of GitLab Runner and of what it is scraped by. */
const facts = JSON.parse(
  readFileSync(join(import.meta.dirname, "../fixtures/gitlab-runner-18.9-metrics.json"), "utf8"),
) as {
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly process: { readonly metrics: Readonly<Record<string, Metric>> };
  readonly target: { readonly labels: readonly string[]; readonly metrics: Readonly<Record<string, Metric>> };
  readonly labelValues: Readonly<Record<string, readonly string[]>>;
};

const known: Readonly<Record<string, Metric>> = { ...facts.metrics, ...facts.process.metrics, ...facts.target.metrics };

/** The values that the runner gives to some labels; of others, all values are right. */
export const labelValues = facts.labelValues;

/**
 * @param name such as `gitlab_runner_job_duration_seconds_bucket`
 * @returns the labels of a metric's series, with those that Prometheus adds; undefined when there is no such metric
 */
export function labelsOf(name: string): readonly string[] | undefined {
  const [, base = "", suffix] = /^(.*?)(_bucket|_count|_sum)?$/.exec(name) ?? [];
  const histogram = known[base]?.type === "histogram" ? known[base] : undefined;
  const metric = suffix === undefined ? known[name] : histogram;
  if (metric === undefined || (metric.type === "histogram") !== (suffix !== undefined)) {
    return undefined;
  }
  // Prometheus renames what has the name of one of its own labels: the runner's `endpoint`.
  const own = metric.labels.map((label) => (facts.target.labels.includes(label) ? `exported_${label}` : label));
  return [...own, ...facts.target.labels, ...(suffix === "_bucket" ? ["le"] : [])];
}

/** A pod of a runner. */
export interface Pod extends Pick<MonitoredRunner, "namespace" | "release"> {
  readonly pod: string;
}

/**
 * A series of a pod, with exactly the labels that it has in Prometheus.
 * @param labels those that the runner gives no other value here
 * @param values in Prometheus' notation: `0+1x180` are 0, 1, … 180
 * @throws Error when the runner has no such metric, or not with these labels
 */
export function sample(pod: Pod, name: string, labels: Readonly<Record<string, string>>, values: string): InputSeries {
  const own: Readonly<Record<string, string>> = {
    ...{ runner: "t3_Zx8qT", runner_name: pod.release, system_id: `r_${pod.pod}`, method: "post" },
    ...{ namespace: pod.namespace, pod: pod.pod, container: pod.release, endpoint: "metrics" },
    ...{ job: `${pod.namespace}/${pod.release}`, instance: "10.244.1.7:9252" },
    ...labels,
  };
  const names = labelsOf(name);
  if (names === undefined) {
    throw new Error(`the runner has no metric ${name}`);
  }
  const unknown = Object.keys(labels).filter((label) => !names.includes(label));
  const wrong = Object.entries(labels).filter(
    ([label, value]) => labelValues[label.replace(/^exported_/, "")]?.includes(value) === false,
  );
  if (unknown.length > 0 || wrong.length > 0) {
    throw new Error(`${name} has no ${[...unknown, ...wrong.map((pair) => pair.join("="))].join(", ")}`);
  }
  const pairs = names.map((label) => {
    const value = own[label];
    if (value === undefined) {
      throw new Error(`${name} needs a value for ${label}`);
    }
    return `${label}=${JSON.stringify(value)}`;
  });
  return { series: `${name}{${pairs.join(",")}}`, values };
}

/**
 * The series of a histogram that grows by the same numbers every minute.
 * @param perMinute how many observations there are in each bucket, by its upper limit
 */
export function histogram(
  pod: Pod,
  name: string,
  labels: Readonly<Record<string, string>>,
  perMinute: Readonly<Record<string, number>>,
): InputSeries[] {
  const buckets = [...(known[name]?.buckets ?? []), Infinity];
  let total = 0;
  const series = buckets.map((limit) => {
    const le = limit === Infinity ? "+Inf" : String(limit);
    total += perMinute[le] ?? 0;
    return sample(pod, `${name}_bucket`, { ...labels, le }, `0+${total}x${minutes}`);
  });
  return [...series, sample(pod, `${name}_count`, labels, `0+${total}x${minutes}`)];
}

/** How long the samples of a pod last. */
export const minutes = 180;

/** Changes of a pod's samples: values by metric and labels. */
export type Changes = readonly (readonly [name: string, labels: Readonly<Record<string, string>>, values: string])[];

const always = (value: number) => `${value}x${minutes}`;
const growing = (perMinute: number) => `0+${perMinute}x${minutes}`;

/**
 * The samples of a healthy pod with two jobs in progress, four jobs that end a minute, one of which fails by its script.
 * @param changes further series, and others in place of some of these
 */
export function podSamples(pod: Pod, changes: Changes = []): InputSeries[] {
  const running = { state: "running", stage: "step_script", executor_stage: "prepare" };
  const idle = { state: "idle", stage: "idle", executor_stage: "idle" };
  const build = { name: "gitlab-runner", version: "18.9.0", revision: "07e534ba", branch: "18-9-stable" };
  const healthy = [
    sample(pod, "up", {}, always(1)),
    sample(pod, "gitlab_runner_concurrent", {}, always(4)),
    sample(pod, "gitlab_runner_worker_slots_number", {}, always(4)),
    sample(pod, "gitlab_runner_jobs", idle, always(0)),
    sample(pod, "gitlab_runner_jobs", running, always(2)),
    sample(pod, "gitlab_runner_jobs_total", {}, growing(4)),
    ...histogram(pod, "gitlab_runner_job_duration_seconds", {}, { 30: 1, 60: 1, 300: 2 }),
    ...histogram(pod, "gitlab_runner_job_queue_duration_seconds", { project_jobs_running: "0" }, { 1: 2, 3: 2 }),
    sample(pod, "gitlab_runner_failed_jobs_total", { failure_reason: "script_failure" }, growing(1)),
    sample(
      pod,
      "gitlab_runner_api_request_statuses_total",
      { exported_endpoint: "request_job", status: "204" },
      growing(3),
    ),
    sample(
      pod,
      "gitlab_runner_api_request_statuses_total",
      { exported_endpoint: "patch_trace", status: "202", method: "patch" },
      growing(6),
    ),
    sample(pod, "gitlab_runner_worker_health_check_failures_total", {}, always(0)),
    sample(pod, "gitlab_runner_worker_feed_failures_total", {}, always(0)),
    sample(pod, "gitlab_runner_errors_total", { level: "warning" }, growing(3)),
    sample(pod, "gitlab_runner_errors_total", { level: "error" }, always(0)),
    sample(
      pod,
      "gitlab_runner_version_info",
      { ...build, go_version: "go1.25.7", built_at: "2026-02-19", os: "linux", architecture: "amd64" },
      always(1),
    ),
    sample(pod, "process_cpu_seconds_total", {}, growing(3)),
    sample(pod, "process_resident_memory_bytes", {}, always(52_428_800)),
  ];
  const changed = changes.map(([name, labels, values]) => sample(pod, name, labels, values));
  const replaced = new Set(changed.map(({ series }) => series));
  return [...healthy.filter(({ series }) => !replaced.has(series)), ...changed];
}
