import type { StateView } from "../gitlab/control-views.ts";
import type { GitLabPart, JobRow, ProjectRow, RunnerRow } from "./snapshot.ts";

/** @returns what the page shows of what GitLab's emulator holds */
export function describeGitLab(state: StateView): GitLabPart {
  const projects = new Map(state.projects.map(({ id, path }) => [id, path]));
  const projectOf = (id: number): ProjectRow => ({ id, path: projects.get(id) ?? String(id) });
  return {
    url: state.url,
    runners: state.runners.map((runner) => describeRunner(state.url, runner)).reverse(),
    jobs: state.jobs.map((job) => describeJob(job, projectOf(job.projectId))).reverse(),
    projects: state.projects.map(({ id, path }) => ({ id, path })),
  };
}

function describeRunner(url: string, runner: StateView["runners"][number]): RunnerRow {
  const [manager] = runner.managers.toSorted((a, b) => (b.contactedAt ?? "").localeCompare(a.contactedAt ?? ""));
  return {
    id: runner.id,
    description: runner.description,
    type: runner.type,
    status: runner.status,
    paused: runner.paused,
    contactedAt: runner.contactedAt,
    tags: runner.tags,
    projects: runner.projects,
    runUntagged: runner.runUntagged,
    locked: runner.locked,
    protectedOnly: runner.accessLevel === "ref_protected",
    version: manager?.version ?? null,
    page: `${url}/admin/runners/${runner.id}`,
  };
}

function describeJob(job: StateView["jobs"][number], project: ProjectRow): JobRow {
  return {
    id: job.id,
    name: job.name,
    stage: job.stage,
    project,
    status: job.status,
    failureReason: job.failureReason,
    exitCode: job.exitCode,
    tags: job.tags,
    createdAt: job.createdAt,
    startedAt: job.startedAt,
    finishedAt: job.finishedAt,
    traceBytes: job.traceBytes,
  };
}
