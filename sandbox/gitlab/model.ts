/** Whom a runner serves, in GitLab's words. */
export type RunnerType = "instance_type" | "group_type" | "project_type";

/** Whether a runner takes every job or only those of protected refs. */
export type AccessLevel = "not_protected" | "ref_protected";

/** States of a job that the emulator uses, in GitLab's words. */
export type JobStatus = "pending" | "running" | "canceling" | "success" | "failed" | "canceled";

/** One who calls the API; an administrator may do everything. */
export interface User {
  readonly id: number;
  readonly username: string;
  readonly admin: boolean;
}

/** A personal access token and what it is good for. */
export interface AccessToken {
  readonly id: number;
  readonly token: string;
  readonly user: User;
  readonly scopes: readonly string[];
  /** When it ends, in milliseconds since the epoch; absent: never. */
  readonly expiresAt?: number;
  readonly revoked: boolean;
  readonly createdAt: number;
}

/** A group or subgroup, known by id and full path. */
export interface Group {
  readonly id: number;
  readonly path: string;
  /** Names of those who may manage it; absent: every user. */
  readonly maintainers?: readonly string[];
  readonly createdAt: number;
}

/** A project, known by id and full path. */
export interface Project {
  readonly id: number;
  readonly path: string;
  /** Names of those who may manage it; absent: every user. */
  readonly maintainers?: readonly string[];
  readonly createdAt: number;
}

/** What a runner process says of itself. */
export interface RunnerInfo {
  name?: string;
  version?: string;
  revision?: string;
  platform?: string;
  architecture?: string;
  executor?: string;
  ipAddress?: string;
}

/** One process that works under a runner's token, told apart by its system id. */
export interface RunnerManager extends RunnerInfo {
  readonly id: number;
  readonly systemId: string;
  readonly createdAt: number;
  contactedAt: number;
  /** Whether it said that it ends a canceled job in good order. */
  cancelsGracefully: boolean;
}

/** A runner; its token is kept here and never leaves again after creation. */
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
  /** In seconds; null: the job's own. */
  maximumTimeout: number | null;
  readonly groupId?: number;
  /** The project that it was created in, which it can't be taken off. */
  readonly ownerProjectId?: number;
  projectIds: number[];
  readonly creator?: User;
  /** True if it came by a registration token. */
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
