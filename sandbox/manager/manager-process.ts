import { setTimeout as sleep } from "node:timers/promises";
import { RetryLaterError, RunnerForbiddenError, type GitLabJob, type GitLabJobs } from "./gitlab-jobs.ts";
import type { ManagerConfig } from "./runner-config.ts";

/** Where the loop gets jobs and what it does with them. */
export interface PollOptions {
  readonly gitlab: GitLabJobs;
  readonly config: ManagerConfig;
  /** Seconds between two calls that found no job. */
  readonly checkIntervalSeconds: number;
  readonly log: (line: string) => void;
  /** Runs a job to its end; never rejects. */
  readonly run: (job: GitLabJob, slot: number) => Promise<void>;
  /** Asks for no more jobs; the running ones go on. */
  readonly signal: AbortSignal;
}

const failureWaitMs = [1_000, 2_000, 5_000, 10_000, 30_000];

/**
 * Asks GitLab for jobs, and runs as many at once as `concurrent` and `limit` allow. Resolves once it was told to stop
 * and every job has ended.
 */
export async function pollForJobs(options: PollOptions): Promise<void> {
  const { gitlab, config, log, signal } = options;
  const [runner] = config.runners;
  const most = Math.min(config.concurrent, runner?.limit || Number.POSITIVE_INFINITY);
  const running = new Map<number, Promise<void>>();
  let failures = 0;
  const stopped = () => signal.aborted;
  while (!stopped()) {
    if (running.size >= most) {
      await Promise.race([...running.values(), aborted(signal)]);
      continue;
    }
    try {
      const job = await gitlab.request(signal);
      failures = 0;
      if (job === undefined) {
        await pause(options.checkIntervalSeconds * 1000, signal);
        continue;
      }
      const slot = firstFree(running);
      log(`job ${job.id} received`);
      running.set(
        slot,
        options.run(job, slot).finally(() => running.delete(slot)),
      );
    } catch (error) {
      if (stopped()) {
        break;
      }
      const wait = failureWaitMs[Math.min(failures, failureWaitMs.length - 1)] ?? 1_000;
      failures += 1;
      const forbidden = error instanceof RunnerForbiddenError;
      log(forbidden ? error.message : `no answer on jobs, try ${failures}: ${message(error)}`);
      await pause((error instanceof RetryLaterError ? error.delayMs : undefined) ?? wait, signal);
    }
  }
  await Promise.all(running.values());
}

function firstFree(running: ReadonlyMap<number, unknown>): number {
  let slot = 0;
  while (running.has(slot)) {
    slot += 1;
  }
  return slot;
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    }
    signal.addEventListener(
      "abort",
      () => {
        resolve();
      },
      { once: true },
    );
  });
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : "unknown error";
}
