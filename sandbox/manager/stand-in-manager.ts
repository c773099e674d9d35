import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { makeJobFolder } from "../kwok/kwok-config.ts";
import { accountConfig } from "./account-config.ts";
import { registrationInput } from "./entry-script.ts";
import { executeJob } from "./execute-job.ts";
import { GitLabJobs } from "./gitlab-jobs.ts";
import { registerRunner, unusedKubernetesKeys } from "./runner-config.ts";
import type { ManagerOptions, RunningManager } from "./running-manager.ts";

/** What the stand-in does differently from `gitlab-runner`, for readers of a job's result. */
export const standInLimits =
  "It runs one job at a time, without timeout, retries or cancellation, takes variables as they stand, and caches paths " +
  "without wildcards.";

/**
 * Starts the stand-in for `gitlab-runner`: a minimal runner manager that shows that the deployed stack fits together. It
 * uses only what the manager's pod mounts. {@link standInLimits} says what it does not do.
 * Rejects if its configuration is not usable or GitLab refuses its token.
 */
export async function startStandInManager(options: ManagerOptions): Promise<RunningManager> {
  const { mounted, log } = options;
  const config = registerRunner(await registrationInput(mounted));
  const { runner } = config;
  const unused = unusedKubernetesKeys(runner.kubernetes);
  if (unused.length > 0) {
    log(`not acted on by the stand-in: runners.kubernetes.${unused.join(", ")}`);
  }
  const cluster = await accountConfig(options.kubeconfig, mounted);
  const gitlab = new GitLabJobs(runner.url, runner.token, `r_${randomBytes(6).toString("hex")}`);
  await gitlab.verify();
  log(`runner ${runner.name} is verified and asks ${runner.url} for jobs`);

  const noMoreJobs = new AbortController();
  const endJob = new AbortController();
  const common = {
    gitlab,
    runner,
    cluster,
    kubelet: options.kubeconfig,
    jobFolder: makeJobFolder(options.stateDir),
    kubectl: options.kubectl,
    signal: endJob.signal,
  };
  const isStopped = () => noMoreJobs.signal.aborted;
  const work = async (): Promise<void> => {
    while (!isStopped()) {
      try {
        const job = await gitlab.request(noMoreJobs.signal);
        if (job !== undefined) {
          log(`job ${job.id} received`);
          log(`job ${job.id}: ${(await executeJob({ ...common, job })).state}`);
          continue;
        }
      } catch (error) {
        if (!isStopped()) {
          log(error instanceof Error ? error.message : "unknown error");
        }
      }
      await sleep(config.check_interval * 1000, undefined, { signal: noMoreJobs.signal }).catch(() => undefined);
    }
  };
  const ended = work();
  return {
    stop: async (limitMs) => {
      noMoreJobs.abort();
      const own = config.shutdown_timeout > 0 ? config.shutdown_timeout * 1000 : limitMs;
      const timer = setTimeout(
        () => {
          endJob.abort();
        },
        Math.min(limitMs, own),
      );
      await ended;
      clearTimeout(timer);
    },
  };
}
