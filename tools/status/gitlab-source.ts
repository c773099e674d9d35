import { Gitlab } from "@gitbeaker/rest";
import { callLimit } from "../clients/time-limit.ts";
import type { GitLabConnection } from "./connections.ts";
import type { RunnerReport } from "./report.ts";

/** A manager as GitLab describes it; gitbeaker has no call for it. Source: https://docs.gitlab.com/api/runners/#list-all-runners-managers */
interface RunnerManager extends Record<string, unknown> {
  readonly system_id: string;
  readonly version: string | null;
  readonly status: string;
  readonly contacted_at: string | null;
}

/** More jobs than any screen has room for. */
const mostJobs = 100;

/** @returns the runner, its managers and its running jobs, as GitLab knows them */
export async function askGitLab({ host, token }: GitLabConnection, id: number): Promise<RunnerReport> {
  if (token === "") {
    throw new Error("there is no token: set GITLAB_TOKEN, or pulumi config set --secret gitlab:token");
  }
  const { Runners: runners } = new Gitlab({ host, token, queryTimeout: callLimit });
  const [runner, managers, jobs] = await Promise.all([
    runners.show(id),
    runners.requester.get<RunnerManager[]>(`runners/${id}/managers`),
    runners.allJobs(id, { status: "running", perPage: mostJobs, maxPages: 1 }),
  ]);
  return {
    id,
    description: runner.description,
    status: runner.status,
    isPaused: runner.paused,
    contactedAt: date(runner.contacted_at),
    tags: runner.tag_list ?? [],
    // A group's or an instance's runner has none of its own.
    projects: ((runner.projects as typeof runner.projects | undefined) ?? []).map(
      (project) => project.path_with_namespace,
    ),
    managers: managers.body.map((manager) => ({
      systemId: manager.system_id,
      version: manager.version ?? undefined,
      status: manager.status,
      contactedAt: date(manager.contacted_at),
    })),
    jobs: jobs.map((job) => ({
      id: job.id,
      name: job.name,
      project: (job["project"] as { path_with_namespace?: string } | undefined)?.path_with_namespace ?? "",
      startedAt: date(job.started_at),
    })),
  };
}

function date(text: string | null | undefined): Date | undefined {
  return text === null || text === undefined ? undefined : new Date(text);
}
