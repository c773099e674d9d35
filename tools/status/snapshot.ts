// What the screen and the page show. The browser's code has its types from here, so nothing of Node.js belongs in it.

/** One source's part of the snapshot: its latest data, and why it does not respond. */
export interface Part<T> {
  /** Its latest data; absent until its first response. */
  readonly data?: T;
  /** Why it does not respond; `data` is older. */
  readonly error?: string;
}

/** Everything that is shown of a stack, except the jobs' logs; times are ISO 8601. */
export interface Snapshot {
  readonly stack: Part<StackPart>;
  readonly gitlab: Part<GitLabPart>;
  readonly cluster: Part<ClusterPart>;
  /** `null` without a cache. */
  readonly cache: Part<CachePart | null>;
}

/** What Pulumi has deployed. */
export interface StackPart {
  /** Name of the stack. */
  readonly name: string;
  /** Name and version of the chart; absent where nothing is deployed. */
  readonly chart?: string;
  /** Namespaces of the runner manager and of its job pods. */
  readonly namespaces: readonly string[];
  /** The stack's outputs; absent where nothing is deployed. Secret ones are masked. */
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** A Pulumi command is running on it, as far as that is known. */
  readonly isBusy: boolean;
  /** What to try. */
  readonly suggestions: readonly Suggestion[];
  /** Command that runs a job, where there is one. */
  readonly jobCommand?: string;
}

/** Something to try, with the commands that do it in a terminal in the checkout. */
export interface Suggestion {
  readonly what: string;
  readonly commands: readonly string[];
}

/** What GitLab knows of the runner. */
export interface GitLabPart {
  /** `null` for one that the stack did not create. */
  readonly runner: RunnerRow | null;
  /** The newest first. */
  readonly jobs: readonly JobRow[];
}

/** A project in GitLab. */
export interface ProjectRow {
  readonly id: number;
  /** With the groups that it is in. */
  readonly path: string;
}

/** The runner in GitLab. */
export interface RunnerRow {
  readonly id: number;
  readonly description: string | null;
  /** `project_type`, `group_type` or `instance_type`. */
  readonly type: string;
  /** GitLab's word: `online`, `offline`, `stale`, `never_contacted` or `paused`. */
  readonly status: string;
  readonly paused: boolean;
  readonly contactedAt: string | null;
  readonly tags: readonly string[];
  /** Those that a project runner is enabled for, as far as the token's owner can see them. */
  readonly projects: readonly ProjectRow[];
  readonly runUntagged: boolean;
  readonly locked: boolean;
  readonly protectedOnly: boolean;
  readonly managers: readonly ManagerRow[];
}

/** A process that uses the runner's token, as GitLab knows it. */
export interface ManagerRow {
  readonly systemId: string;
  /** Of gitlab-runner. */
  readonly version: string | null;
  /** `online`, `offline`, `stale` or `never_contacted`. */
  readonly status: string;
  readonly contactedAt: string | null;
}

/** A CI job. */
export interface JobRow {
  readonly id: number;
  readonly name: string;
  readonly stage: string;
  /** Branch or tag. */
  readonly ref: string;
  readonly project: ProjectRow;
  /** GitLab's word: `pending`, `running`, `canceling`, `success`, `failed` or `canceled`. */
  readonly status: string;
  readonly failureReason: string | null;
  readonly createdAt: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

/** What is in the stack's namespaces. */
export interface ClusterPart {
  /** Managers first, and then the newest. */
  readonly pods: readonly PodRow[];
  /** The newest first. */
  readonly events: readonly EventRow[];
}

/** A pod in Kubernetes. */
export interface PodRow {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly role: "manager" | "job";
  /** As `kubectl get pods` says it: the phase, `Terminating`, or why a container waits. */
  readonly state: string;
  readonly ready: number;
  readonly containers: number;
  readonly restarts: number;
  readonly createdAt: string | null;
  readonly node: string | null;
  /** Of a job's pod, as the runner has labelled it. */
  readonly jobId: number | null;
  readonly jobName: string | null;
  readonly projectId: number | null;
  /** Name of the project, after that of its outermost group. */
  readonly project: string;
}

/** An event about an object. */
export interface EventRow {
  readonly at: string | null;
  /** Kind and name: `Pod/gitlab-runner-x`. */
  readonly object: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly isWarning: boolean;
}

/** What the cache holds. */
export interface CachePart {
  readonly bucket: string;
  readonly count: number;
  readonly bytes: number;
  /** The newest. */
  readonly objects: readonly ObjectRow[];
  /** There are more; counting all would have taken too long. */
  readonly isCut: boolean;
}

/** An object in a bucket. */
export interface ObjectRow {
  readonly key: string;
  readonly bytes: number;
  readonly modifiedAt: string | null;
}

/** A part of a line of a job's log that looks the same. */
export interface TraceSpan {
  readonly text: string;
  /** Class names, such as `fg-red bold`; empty for plain text. */
  readonly style: string;
}

/** The end of a job's log, to show. */
export interface TraceView {
  readonly lines: readonly (readonly TraceSpan[])[];
  /** How many lines before these are left out. */
  readonly omitted: number;
}

/** What the page gets from its server. */
export interface PageSnapshot extends Snapshot {
  readonly text: PageText;
}

/** The page's own texts. */
export interface PageText {
  readonly title: string;
  readonly subtitle: string;
  /** Command that starts it. */
  readonly start: string;
  readonly footer?: string;
}
