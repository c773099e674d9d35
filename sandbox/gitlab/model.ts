/** Scope of a runner, in GitLab's terms. */
export type RunnerType = "instance_type" | "group_type" | "project_type";

/** Whether a runner takes all jobs or only those of protected refs. */
export type AccessLevel = "not_protected" | "ref_protected";

/** States of a job that the emulator uses, in GitLab's terms. */
export type JobStatus = "pending" | "running" | "canceling" | "success" | "failed" | "canceled";

/** A user of the API; an administrator may do everything. */
export interface User {
  readonly id: number;
  readonly username: string;
  readonly admin: boolean;
}

/** A personal access token and its scopes. */
export interface AccessToken {
  readonly id: number;
  readonly token: string;
  readonly user: User;
  readonly scopes: readonly string[];
  /** When it expires, in milliseconds since the epoch; absent: never. */
  readonly expiresAt?: number;
  readonly revoked: boolean;
  readonly createdAt: number;
}

/** A group or subgroup, identified by id and full path. */
export interface Group {
  readonly id: number;
  readonly path: string;
  /** Names of the users who may manage it; absent: all users. */
  readonly maintainers?: readonly string[];
  readonly createdAt: number;
}

/** A project, identified by id and full path. */
export interface Project {
  readonly id: number;
  readonly path: string;
  /** Names of the users who may manage it; absent: all users. */
  readonly maintainers?: readonly string[];
  readonly createdAt: number;
}

/** What a runner process reports about itself. */
export interface RunnerInfo {
  name?: string;
  version?: string;
  revision?: string;
  platform?: string;
  architecture?: string;
  executor?: string;
  ipAddress?: string;
}

/** A process that uses a runner's token, identified by its system id. */
export interface RunnerManager extends RunnerInfo {
  readonly id: number;
  readonly systemId: string;
  readonly createdAt: number;
  contactedAt: number;
  /** Whether it reported that it supports graceful cancellation. */
  cancelsGracefully: boolean;
}

/** A runner; its token is stored here, and shown only at creation. */
export interface Runner {
  readonly id: number;
  readonly type: RunnerType;
  token: string;
  tokenExpiresAt: number | undefined;
  tokenRotationDeadline: number | undefined;
  description: string | null;
  maintenanceNote: string | null;
  paused: boolean;
  locked: boolean;
  accessLevel: AccessLevel;
  runUntagged: boolean;
  tags: string[];
  /** In seconds; null: the job's timeout applies. */
  maximumTimeout: number | null;
  readonly groupId?: number;
  /** The project that owns it, for which it cannot be disabled. */
  readonly ownerProjectId?: number;
  projectIds: number[];
  readonly creator?: User;
  /** True if it was created with a registration token. */
  readonly registered: boolean;
  readonly createdAt: number;
  updatedAt: number;
  contactedAt?: number;
  info: RunnerInfo;
  managers: RunnerManager[];
}

/** One entry of a job's `cache`. */
export interface JobCache {
  readonly key: string;
  readonly paths: readonly string[];
  readonly policy: "pull" | "push" | "pull-push";
  readonly unprotect: boolean;
}

/** A CI job and its trace. */
export interface Job {
  readonly id: number;
  readonly token: string;
  readonly projectId: number;
  readonly name: string;
  readonly stage: string;
  readonly script: readonly string[];
  readonly image?: string;
  readonly tags: readonly string[];
  readonly cache: readonly JobCache[];
  readonly variables: Readonly<Record<string, string>>;
  /** In seconds. */
  readonly timeout: number;
  readonly ref: string;
  readonly protected: boolean;
  status: JobStatus;
  trace: Buffer;
  readonly createdAt: number;
  startedAt?: number;
  finishedAt?: number;
  runnerId?: number;
  systemId?: string;
  exitCode?: number;
  failureReason?: string;
}
