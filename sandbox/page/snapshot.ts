// What the page gets from its server. The browser's code has its types from here, so nothing of Node.js belongs in it.

/** One source's part of the snapshot: what it told last, and why it does not answer. */
export interface Part<T> {
  /** What it told last; absent until it has answered. */
  readonly data?: T;
  /** Why it does not answer; `data` is from before. */
  readonly error?: string;
}

/** All that the page shows, but for traces; times are ISO 8601. */
export interface Snapshot {
  readonly gitlab: Part<GitLabPart>;
  readonly pods: Part<readonly PodRow[]>;
  readonly cache: Part<CachePart>;
  readonly stack: Part<StackPart>;
}

/** A project of GitLab. */
export interface ProjectRow {
  readonly id: number;
  readonly path: string;
}

/** What GitLab has. */
export interface GitLabPart {
  readonly url: string;
  /** The newest first. */
  readonly runners: readonly RunnerRow[];
  /** The newest first. */
  readonly jobs: readonly JobRow[];
  readonly projects: readonly ProjectRow[];
}

/** A runner in GitLab. */
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
  /** Those that a project runner is enabled for, its owner first. */
  readonly projects: readonly ProjectRow[];
  readonly runUntagged: boolean;
  readonly locked: boolean;
  readonly protectedOnly: boolean;
  /** Version of the manager that was heard of last. */
  readonly version: string | null;
  readonly page: string;
}

/** A CI job. */
export interface JobRow {
  readonly id: number;
  readonly name: string;
  readonly stage: string;
  readonly project: ProjectRow;
  /** GitLab's word: `pending`, `running`, `canceling`, `success`, `failed` or `canceled`. */
  readonly status: string;
  readonly failureReason: string | null;
  readonly exitCode: number | null;
  readonly tags: readonly string[];
  readonly createdAt: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** Tells when there is more of the trace to fetch. */
  readonly traceBytes: number;
}

/** A pod in Kubernetes. */
export interface PodRow {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly role: "manager" | "job" | "other";
  /** As `kubectl get pods` says it: the phase, `Terminating`, or why a container waits. */
  readonly phase: string;
  readonly ready: number;
  readonly containers: number;
  readonly createdAt: string | null;
  readonly node: string | null;
  readonly jobId: number | null;
  readonly projectId: number | null;
}

/** What MinIO holds. */
export interface CachePart {
  readonly url: string;
  readonly buckets: readonly BucketRow[];
}

/** A bucket in MinIO. */
export interface BucketRow {
  readonly name: string;
  /** The newest, at most {@link shownObjects}. */
  readonly objects: readonly ObjectRow[];
  readonly count: number;
  readonly bytes: number;
  /** There are more, which nobody has counted. */
  readonly isCut: boolean;
}

/** An object in a bucket. */
export interface ObjectRow {
  readonly key: string;
  readonly bytes: number;
  readonly modifiedAt: string | null;
}

/** What Pulumi has deployed. */
export interface StackPart {
  /** Name of the stack file. */
  readonly file: string;
  /** A command of Pulumi's is at work on it. */
  readonly isBusy: boolean;
  /** The stack's outputs; absent where nothing is deployed. Secret ones are masked. */
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** What to try. */
  readonly suggestions: readonly Suggestion[];
}

/** Something to try, with the commands that do it in a terminal in the checkout. */
export interface Suggestion {
  readonly what: string;
  readonly commands: readonly string[];
}

/** A part of a line of a trace that looks the same. */
export interface TraceSpan {
  readonly text: string;
  /** Class names, such as `fg-red bold`; empty for plain text. */
  readonly style: string;
}

/** The end of a trace, to show. */
export interface TraceView {
  readonly lines: readonly (readonly TraceSpan[])[];
  /** How many lines before these are left out. */
  readonly omitted: number;
}

/** How many objects of a bucket the page gets. */
export const shownObjects = 100;
