import type { Job, JobStatus, Runner, RunnerType } from "./model.ts";
import { runnerStatus, time } from "./present.ts";
import type { GitLabStore } from "./store.ts";

/** A job as the control surface shows it. */
export interface JobView {
  readonly id: number;
  readonly projectId: number;
  readonly name: string;
  readonly stage: string;
  /** Branch. */
  readonly ref: string;
  readonly tags: readonly string[];
  readonly status: JobStatus;
  /** The log, as far as the runner has sent it. */
  readonly trace: string;
  /** Length of the trace in bytes. */
  readonly traceBytes: number;
  readonly runnerId: number | null;
  readonly systemId: string | null;
  readonly exitCode: number | null;
  readonly failureReason: string | null;
  /** ISO 8601, like the next two. */
  readonly createdAt: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

/** A runner as the control surface shows it: everything but its token. */
export interface RunnerView {
  readonly id: number;
  readonly type: RunnerType;
  readonly description: string | null;
  readonly maintenanceNote: string | null;
  /** Status in GitLab's terms: `online`, `offline`, `paused`, `never_contacted` or `stale`. */
  readonly status: string;
  /** Time of its last contact; null: never. */
  readonly contactedAt: string | null;
  readonly paused: boolean;
  readonly locked: boolean;
  readonly runUntagged: boolean;
  readonly accessLevel: string;
  readonly tags: readonly string[];
  /** In seconds; null: the job's timeout applies. */
  readonly maximumTimeout: number | null;
  readonly tokenExpiresAt: string | null;
  readonly groupId: number | null;
  readonly ownerProjectId: number | null;
  /** The owner is the first. */
  readonly projects: readonly { readonly id: number; readonly path: string }[];
  readonly managers: readonly {
    readonly systemId: string;
    readonly version: string | null;
    readonly contactedAt: string | null;
  }[];
}

/** Everything that the emulator holds, without tokens and traces. */
export interface StateView {
  readonly url: string;
  readonly runners: readonly RunnerView[];
  readonly projects: readonly { readonly id: number; readonly path: string }[];
  readonly groups: readonly { readonly id: number; readonly path: string }[];
  readonly jobs: readonly Omit<JobView, "trace">[];
}

function describeRunner(store: GitLabStore, runner: Runner): RunnerView {
  return {
    id: runner.id,
    type: runner.type,
    description: runner.description,
    maintenanceNote: runner.maintenanceNote,
    status: runnerStatus(store, runner),
    contactedAt: time(runner.contactedAt),
    paused: runner.paused,
    locked: runner.locked,
    runUntagged: runner.runUntagged,
    accessLevel: runner.accessLevel,
    tags: runner.tags,
    maximumTimeout: runner.maximumTimeout,
    tokenExpiresAt: time(runner.tokenExpiresAt),
    groupId: runner.groupId ?? null,
    ownerProjectId: runner.ownerProjectId ?? null,
    projects: runner.projectIds.map((id) => ({ id, path: store.projects.get(id)?.path ?? "" })),
    managers: runner.managers.map(({ systemId, version, contactedAt }) => ({
      systemId,
      version: version ?? null,
      contactedAt: time(contactedAt),
    })),
  };
}

function withoutTrace(job: Job): Omit<JobView, "trace"> {
  return {
    id: job.id,
    projectId: job.projectId,
    name: job.name,
    stage: job.stage,
    ref: job.ref,
    tags: job.tags,
    status: job.status,
    traceBytes: job.trace.length,
    runnerId: job.runnerId ?? null,
    systemId: job.systemId ?? null,
    exitCode: job.exitCode ?? null,
    failureReason: job.failureReason ?? null,
    createdAt: time(job.createdAt),
    startedAt: time(job.startedAt),
    finishedAt: time(job.finishedAt),
  };
}

/** One job with its trace. */
export function describeJob(job: Job): JobView {
  return { ...withoutTrace(job), trace: job.trace.toString() };
}

/** The whole state. */
export function describeState(store: GitLabStore): StateView {
  const short = ({ id, path }: { id: number; path: string }) => ({ id, path });
  return {
    url: store.url,
    runners: [...store.runners.values()].map((runner) => describeRunner(store, runner)),
    projects: [...store.projects.values()].map(short),
    groups: [...store.groups.values()].map(short),
    jobs: [...store.jobs.values()].map(withoutTrace),
  };
}
