/** The runner whose metrics are meant. */
export interface MonitoredRunner {
  /** Namespace of the manager pods. */
  readonly namespace: string;
  /** Namespace of the job pods. */
  readonly jobNamespace: string;
  /** Name of the Helm release, which is also that of the manager's container and the value of its pods' label `app`. */
  readonly release: string;
  /** Seconds between two polls of GitLab. */
  readonly checkInterval: number;
}

/**
 * Labels that tell one runner's series from another's. Prometheus adds them, and `pod`, to what a PodMonitor finds.
 * Source: https://github.com/prometheus-operator/prometheus-operator/blob/main/pkg/prometheus/promcfg.go
 */
export const runnerLabels = "namespace, container";

/**
 * A selector of one runner's own series, since the cluster may have several.
 * @param matchers further conditions, such as `level="error"`
 */
export function series(runner: MonitoredRunner, metric: string, ...matchers: readonly string[]): string {
  const own = [`namespace="${runner.namespace}"`, `container="${runner.release}"`];
  return `${metric}{${[...own, ...matchers].join(",")}}`;
}

/**
 * How much counters have grown, exactly. Unlike `increase`, it counts what a counter starts with: the runner has no
 * counter of a failure before the first, so of two failures `increase` would see one at most.
 * @param counters a selector
 * @param range a duration, such as `1h`
 */
export function growth(counters: string, range: string): string {
  // A counter that is new, or that has started anew, has grown by its value.
  return `(${counters} - ${counters} offset ${range} >= 0 or ${counters})`;
}

/** Reasons of failures that are not the job's own: those are `script_failure`, `job_execution_timeout` and the like. */
export const runnerFailures = 'failure_reason=~"runner_system_failure|image_pull_failure"';

/**
 * Metrics of the runner manager; tests/fixtures/gitlab-runner-18.9-metrics.json has types and labels of all.
 * Source: https://gitlab.com/gitlab-org/gitlab-runner/-/tree/v18.9.0
 */
export const metrics = {
  /** Whether Prometheus reaches a manager pod. */
  up: "up",
  /** Jobs in progress, by state and stage; 0 where there is none. */
  jobs: "gitlab_runner_jobs",
  /** Jobs that a pod can have in progress: as many as `concurrent`, and in a pod that is stopping only those that it has. */
  slots: "gitlab_runner_worker_slots_number",
  /** Jobs that have ended, by how long they took. */
  jobDuration: "gitlab_runner_job_duration_seconds",
  /** Jobs that have failed, by reason. */
  failedJobs: "gitlab_runner_failed_jobs_total",
  /** Jobs that were started, by how long they had to wait in GitLab. */
  queueDuration: "gitlab_runner_job_queue_duration_seconds",
  /** Answers of GitLab, by status; a request without an answer is not in it. */
  apiAnswers: "gitlab_runner_api_request_statuses_total",
  /** Requests for a job that GitLab did not answer, or refused with 403. */
  failedPolls: "gitlab_runner_worker_health_check_failures_total",
  /** Times that a pod did not ask for a job at all, after too many failed polls in a row. */
  skippedPolls: "gitlab_runner_worker_feed_failures_total",
  /** Lines of the log, by level. */
  logLines: "gitlab_runner_errors_total",
  /** 1, with the runner's version as a label. */
  version: "gitlab_runner_version_info",
  /** CPU time of the manager. */
  cpu: "process_cpu_seconds_total",
  /** Memory of the manager. */
  memory: "process_resident_memory_bytes",
} as const;
