/** What a source has said: nothing yet, what was asked for, or why it could not. */
export type Answer<Value> = undefined | { readonly value: Value } | { readonly error: string };

/** A process that works under the runner's token, as GitLab knows it. */
export interface ManagerProcess {
  readonly systemId: string;
  /** Of gitlab-runner. */
  readonly version: string | undefined;
  /** `online`, `offline`, `stale` or `never_contacted`. */
  readonly status: string;
  readonly contactedAt: Date | undefined;
}

/** A job that GitLab says is running. */
export interface RunningJob {
  readonly id: number;
  readonly name: string;
  /** Full path of its project. */
  readonly project: string;
  readonly startedAt: Date | undefined;
}

/** The runner as GitLab knows it. */
export interface RunnerReport {
  readonly id: number;
  readonly description: string;
  /** As of a manager. */
  readonly status: string;
  readonly isPaused: boolean;
  readonly contactedAt: Date | undefined;
  readonly tags: readonly string[];
  /** Full paths of the projects that may use it, as far as the token's owner may see them. */
  readonly projects: readonly string[];
  readonly managers: readonly ManagerProcess[];
  readonly jobs: readonly RunningJob[];
}

/** A pod, as `kubectl get pods` shows it. */
export interface PodReport {
  readonly name: string;
  /** Its phase, or what it waits for: `Running`, `ImagePullBackOff`. */
  readonly state: string;
  readonly ready: number;
  readonly containers: number;
  readonly restarts: number;
  readonly createdAt: Date | undefined;
}

/** The pod of a job. */
export interface JobPod extends PodReport {
  /** Undefined where the runner has not said it. */
  readonly jobId: number | undefined;
  readonly jobName: string | undefined;
  /** What the pod's labels tell of its project. */
  readonly project: string;
}

/** Something that has happened to an object. */
export interface EventReport {
  readonly at: Date | undefined;
  /** Kind and name: `Pod/gitlab-runner-x`. */
  readonly object: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly isWarning: boolean;
}

/** What is in the cluster. */
export interface ClusterReport {
  readonly managers: readonly PodReport[];
  readonly jobs: readonly JobPod[];
  /** The newest first. */
  readonly events: readonly EventReport[];
}

/** What is in the cache. */
export interface CacheReport {
  readonly bucket: string;
  readonly objects: number;
  readonly bytes: number;
  /** There is more, and counting it all would have taken too long. */
  readonly isPartial: boolean;
}

/** All that the screen shows. */
export interface StatusReport {
  /** Name of the stack. */
  readonly stack: string;
  /** Name and version of the chart. */
  readonly chart: string;
  /** Namespaces of the runner manager and of its job pods. */
  readonly namespaces: readonly string[];
  /** `undefined` in place of a report for a runner that the stack has not made. */
  readonly runner: Answer<RunnerReport | undefined>;
  readonly cluster: Answer<ClusterReport>;
  /** `undefined` in place of a report without a cache. */
  readonly cache: Answer<CacheReport | undefined>;
  /** Why the stack could not be read anew, since when what is shown may be of its former state. */
  readonly stackError: string | undefined;
}
