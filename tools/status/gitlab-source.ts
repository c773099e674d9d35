import type { GitLabApi, GitLabJob, GitLabRunner, GitLabRunnerManager } from "../clients/gitlab.ts";
import type { GitLabPart, JobRow, ManagerRow, RunnerRow } from "./snapshot.ts";

/** @returns the runner, its managers and its jobs, as GitLab knows them */
export async function askGitLab(gitlab: GitLabApi, id: number): Promise<GitLabPart> {
  if (!gitlab.hasToken) {
    throw new Error("there is no token: set GITLAB_TOKEN, or pulumi config set --secret gitlab:token");
  }
  const [runner, managers, jobs] = await Promise.all([gitlab.runner(id), gitlab.managers(id), gitlab.jobs(id)]);
  if (runner === undefined) {
    throw new Error(`there is no runner #${id}`);
  }
  return { runner: runnerRow(runner, managers), jobs: jobs.map(jobRow) };
}

function runnerRow(runner: GitLabRunner, managers: readonly GitLabRunnerManager[]): RunnerRow {
  return {
    id: runner.id,
    description: runner.description,
    type: runner.runner_type,
    status: runner.status,
    paused: runner.paused,
    contactedAt: runner.contacted_at,
    tags: runner.tag_list,
    // A group's or an instance's runner has none of its own.
    projects: (runner.projects ?? []).map(projectRow),
    runUntagged: runner.run_untagged,
    locked: runner.locked,
    protectedOnly: runner.access_level === "ref_protected",
    managers: managers.map(managerRow),
  };
}

function managerRow({
  system_id: systemId,
  version,
  status,
  contacted_at: contactedAt,
}: GitLabRunnerManager): ManagerRow {
  return { systemId, version, status, contactedAt };
}

function jobRow(job: GitLabJob): JobRow {
  return {
    id: job.id,
    name: job.name,
    stage: job.stage,
    ref: job.ref,
    project: projectRow(job.project),
    status: job.status,
    failureReason: job.failure_reason ?? null,
    createdAt: job.created_at,
    startedAt: job.started_at,
    finishedAt: job.finished_at,
  };
}

function projectRow({ id, path_with_namespace: path }: { id: number; path_with_namespace: string }) {
  return { id, path };
}
