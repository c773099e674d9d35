import type { Group, Job, Project, Runner } from "./model.ts";
import { isWithin } from "./permissions.ts";
import type { GitLabStore } from "./store.ts";

/** True while a runner works on it, even if it was told to stop. */
export function isProcessing(job: Job): boolean {
  return job.status === "running" || job.status === "canceling";
}

function serves(runner: Runner, project: Project, group: Group | undefined): boolean {
  switch (runner.type) {
    case "instance_type":
      return true;
    case "group_type":
      return group !== undefined && isWithin(project.path, group);
    case "project_type":
      return runner.projectIds.includes(project.id);
  }
}

/** Whether GitLab would give this job to this runner. */
export function mayTake(store: GitLabStore, runner: Runner, job: Job): boolean {
  const project = store.projects.get(job.projectId);
  if (job.status !== "pending" || runner.paused || !project) {
    return false;
  }
  const group = runner.groupId === undefined ? undefined : store.groups.get(runner.groupId);
  if (!serves(runner, project, group)) {
    return false;
  }
  if (runner.accessLevel === "ref_protected" && !job.protected) {
    return false;
  }
  return job.tags.length === 0 ? runner.runUntagged : job.tags.every((tag) => runner.tags.includes(tag));
}

/** Assigns the oldest matching job to the runner and marks it running. */
export function takeJob(store: GitLabStore, runner: Runner, systemId: string | undefined): Job | undefined {
  const job = [...store.jobs.values()].find((candidate) => mayTake(store, runner, candidate));
  if (!job) {
    return undefined;
  }
  job.status = "running";
  job.startedAt = store.now();
  job.runnerId = runner.id;
  if (systemId !== undefined) {
    job.systemId = systemId;
  }
  return job;
}

/** Ends a job; one that was being canceled is canceled regardless of what its runner reports. */
export function finishJob(store: GitLabStore, job: Job, status: "success" | "failed"): void {
  job.status = job.status === "canceling" ? "canceled" : status;
  job.finishedAt = store.now();
}

/** Cancels an unfinished job: at once, or through `canceling` if its runner supports graceful cancellation. */
export function cancelJob(store: GitLabStore, job: Job): void {
  if (job.status !== "pending" && job.status !== "running") {
    return;
  }
  const runner = job.runnerId === undefined ? undefined : store.runners.get(job.runnerId);
  const manager = runner?.managers.find((one) => one.systemId === job.systemId);
  if (job.status === "running" && manager?.cancelsGracefully === true) {
    job.status = "canceling";
    return;
  }
  job.status = "canceled";
  job.finishedAt = store.now();
}
