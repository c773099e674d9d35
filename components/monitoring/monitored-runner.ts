/** The runner that the metrics belong to. */
export interface MonitoredRunner {
  /** Namespace of the manager pods. */
  readonly namespace: string;
  /** Namespace of the job pods. */
  readonly jobNamespace: string;
  /** Name of the Helm release; also the name of the manager's container and the value of its pods' label `app`. */
  readonly release: string;
  /** Seconds between two requests for jobs. */
  readonly checkInterval: number;
}

/**
 * Labels that distinguish the series of different runners. Prometheus adds them, and `pod`, to all targets of a PodMonitor.
 * Source: https://github.com/prometheus-operator/prometheus-operator/blob/main/pkg/prometheus/promcfg.go
 */
export const runnerLabels = "namespace, container";

/**
 * A selector of one runner's series, since the cluster may have several runners.
 * @param matchers additional matchers, such as `level="error"`
 */
export function series(runner: MonitoredRunner, metric: string, ...matchers: readonly string[]): string {
  const own = [`namespace="${runner.namespace}"`, `container="${runner.release}"`];
  return `${metric}{${[...own, ...matchers].join(",")}}`;
}

/**
 * Exact increase of counters. Unlike `increase`, it includes a counter's first value: the runner creates a failure counter
 * only with the first failure, so of two failures `increase` would see at most one.
 * @param counters a selector
 * @param range a duration, such as `1h`
 */
export function growth(counters: string, range: string): string {
  // A new or reset counter has increased by its value.
  return `(${counters} - ${counters} offset ${range} >= 0 or ${counters})`;
}

/** Failure reasons that the job itself did not cause; its own are `script_failure`, `job_execution_timeout` and the like. */
export const runnerFailures = 'failure_reason=~"runner_system_failure|image_pull_failure"';

/**
 * Metrics of the runner manager; tests/fixtures/gitlab-runner-18.9-metrics.json has the types and labels of all metrics.
 * Source: https://gitlab.com/gitlab-org/gitlab-runner/-/tree/v18.9.0
 */
export const metrics = {
  /** Whether Prometheus reaches a manager pod. */
  up: "up",
  /** Running jobs, by state and stage; 0 if there are none. */
  jobs: "gitlab_runner_jobs",
  /** Jobs that a pod can run at the same time: `concurrent`, or in a pod that is stopping the number of its running jobs. */
  slots: "gitlab_runner_worker_slots_number",
  /** Finished jobs, by duration. */
  jobDuration: "gitlab_runner_job_duration_seconds",
  /** Failed jobs, by reason. */
  failedJobs: "gitlab_runner_failed_jobs_total",
  /** Started jobs, by their time in GitLab's queue. */
  queueDuration: "gitlab_runner_job_queue_duration_seconds",
  /** Responses of GitLab, by status; requests without a response are not counted. */
  apiAnswers: "gitlab_runner_api_request_statuses_total",
  /** Requests for a job that GitLab did not answer, or refused with 403. */
  failedPolls: "gitlab_runner_worker_health_check_failures_total",
  /** Requests for a job that a pod skipped after too many failed ones in a row. */
  skippedPolls: "gitlab_runner_worker_feed_failures_total",
  /** Log lines, by level. */
  logLines: "gitlab_runner_errors_total",
  /** 1, with the runner's version as a label. */
  version: "gitlab_runner_version_info",
  /** CPU time of the manager. */
  cpu: "process_cpu_seconds_total",
  /** Memory of the manager. */
  memory: "process_resident_memory_bytes",
} as const;
