import { Gitlab } from "@gitbeaker/rest";
import { httpStatus } from "./describe-error.ts";
import { callLimit, within } from "./time-limit.ts";

/** A runner as GitLab describes it, as far as it is looked at here. */
export interface GitLabRunner {
  readonly id: number;
  readonly description: string | null;
  readonly runner_type: string;
  /** `online`, `offline`, `stale`, `never_contacted`, or `paused` of an older GitLab. */
  readonly status: string;
  readonly paused: boolean;
  readonly contacted_at: string | null;
  readonly tag_list: readonly string[];
  readonly run_untagged: boolean;
  readonly locked: boolean;
  readonly maximum_timeout: number | null;
  readonly access_level: string;
  readonly maintenance_note?: string | null;
  readonly projects?: readonly { readonly id: number; readonly path_with_namespace: string }[];
  readonly groups?: readonly { readonly id: number }[];
}

/** One process that uses a runner's token. Source: https://docs.gitlab.com/api/runners/#list-all-runners-managers */
export interface GitLabRunnerManager extends Record<string, unknown> {
  readonly system_id: string;
  readonly version: string | null;
  readonly contacted_at: string | null;
  /** `online`, `offline`, `stale` or `never_contacted`. */
  readonly status: string;
}

/** A job that a runner has taken. Source: https://docs.gitlab.com/api/runners/#list-all-jobs-processed-by-a-runner */
export interface GitLabJob {
  readonly id: number;
  readonly name: string;
  readonly stage: string;
  /** Branch or tag. */
  readonly ref: string;
  readonly status: string;
  readonly failure_reason?: string;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly project: { readonly id: number; readonly path_with_namespace: string };
}

/** What GitLab says of a runner's token. */
export type Verification =
  { readonly valid: true; readonly runnerId: number; readonly expiresAt: Date | undefined } | { readonly valid: false };

/** What owns a runner. */
export type RunnerOwner = { readonly projectId: number } | { readonly groupId: number } | { readonly instance: true };

/** System id that the doctor uses to verify a runner's token; GitLab treats it as one of the runner's processes. */
const ownSystemId = "gitlab-runner-doctor";

/** System id of calls that do not specify one, such as those of older versions of the doctor. */
const namelessSystemId = "<legacy>";

/** How long GitLab may take for a list with many pages. */
const listLimit = 30_000;

/** The most jobs of a list: one page. */
const mostJobs = 100;

/** GitLab's API; every call has a limit. */
export class GitLabApi {
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly hasToken: boolean;
  readonly #api: InstanceType<typeof Gitlab<false>>;

  /** @param baseUrl of the API, with `api/v4` at its end @param token of whoever looks, or empty */
  constructor(baseUrl: string, token: string) {
    this.baseUrl = baseUrl.replace(/\/+$/, "");
    this.hasToken = token !== "";
    const host = this.baseUrl.replace(/\/api\/v4$/, "");
    this.#api = new Gitlab({ host, token, queryTimeout: callLimit });
  }

  /** @returns the HTTP status of a call that every GitLab responds to, with or without a token */
  async status(): Promise<number> {
    const response = await fetch(`${this.baseUrl}/version`, { signal: AbortSignal.timeout(callLimit) });
    return response.status;
  }

  /** @returns when the caller's own token expires; undefined for never, or for a type of token that does not show it */
  async ownTokenExpiry(): Promise<Date | undefined> {
    try {
      const { expiresAt } = await within(
        this.#api.PersonalAccessTokens.show().then((shown) => ({ expiresAt: shown.expires_at as string | null })),
      );
      return expiresAt === null ? undefined : new Date(expiresAt);
    } catch (error) {
      // OAuth and CI job tokens have no such page.
      if ([400, 403, 404].includes(httpStatus(error) ?? 0)) {
        return undefined;
      }
      throw error;
    }
  }

  /** @returns the runner, or undefined if GitLab has none with this id */
  async runner(id: number): Promise<GitLabRunner | undefined> {
    try {
      return (await within(this.#api.Runners.show(id))) as unknown as GitLabRunner;
    } catch (error) {
      if (httpStatus(error) === 404) {
        return undefined;
      }
      throw error;
    }
  }

  /** @returns the processes that use the runner's token, without the doctor itself */
  async managers(id: number): Promise<GitLabRunnerManager[]> {
    const answer = await within(this.#api.Runners.requester.get<GitLabRunnerManager[]>(`runners/${id}/managers`));
    return answer.body.filter(({ system_id: id }) => id !== ownSystemId && id !== namelessSystemId);
  }

  /** @returns jobs that the runner has taken, the newest first: at most a hundred that run, and the newest hundred of all */
  async jobs(id: number): Promise<GitLabJob[]> {
    const list = (status?: string) => {
      const options = { orderBy: "id", sort: "desc", perPage: mostJobs, maxPages: 1 };
      return this.#api.Runners.allJobs(id, status === undefined ? options : { ...options, status });
    };
    const found = (await within(Promise.all([list("running"), list()]))).flat() as unknown as GitLabJob[];
    // Of one that has ended meanwhile, the end counts, which the second list is more likely to have.
    return [...new Map(found.map((job) => [job.id, job])).values()].sort((a, b) => b.id - a.id);
  }

  /** @returns what a job's log has so far */
  async trace(projectId: number, jobId: number): Promise<string> {
    return within(this.#api.Jobs.showLog(projectId, jobId));
  }

  /** Makes a project's runner. @returns its token */
  async createProjectRunner(projectId: number, description: string, tagList: string[]): Promise<string> {
    const { token } = await within(this.#api.Users.createCIRunner("project_type", { projectId, description, tagList }));
    return token;
  }

  /** @returns all runners of a project, a group or the instance that the caller may see */
  async runnersOf(owner: RunnerOwner): Promise<{ readonly id: number; readonly description: string | null }[]> {
    const type = "projectId" in owner ? "project_type" : "groupId" in owner ? "group_type" : "instance_type";
    const place = "instance" in owner ? {} : owner;
    return within(this.#api.Runners.all({ ...place, type, perPage: 100 } as object), listLimit);
  }

  /** @returns the scopes of the caller's own token, or undefined for a type of token that does not show them */
  async ownScopes(): Promise<readonly string[] | undefined> {
    try {
      return await within(this.#api.PersonalAccessTokens.show().then(({ scopes }) => scopes));
    } catch (error) {
      if ([400, 403, 404].includes(httpStatus(error) ?? 0)) {
        return undefined;
      }
      throw error;
    }
  }

  /** Disables a runner for a project, by the project's id or full path. */
  async releaseProject(project: string, runnerId: number): Promise<void> {
    await within(this.#api.Runners.disable(project, runnerId));
  }

  /**
   * Writes a note on a merge request, over the caller's own earlier one that starts with the same marker. A note of someone
   * else is left alone, whatever it starts with: a maintainer's token could change that one, too.
   * @returns whether there was an earlier one
   */
  async writeNote(project: string, mergeRequest: number, marker: string, body: string): Promise<boolean> {
    const notes = this.#api.MergeRequestNotes;
    const [me, all] = await Promise.all([
      within(this.#api.Users.showCurrentUser()),
      within(notes.all(project, mergeRequest, { perPage: 100 }), listLimit),
    ]);
    const earlier = all.find((note) => note.author.id === me.id && note.body.startsWith(marker));
    await within(
      earlier === undefined
        ? notes.create(project, mergeRequest, body)
        : notes.edit(project, mergeRequest, earlier.id, { body }),
    );
    return earlier !== undefined;
  }

  /** Deletes a runner. */
  async deleteRunner(id: number): Promise<void> {
    await within(this.#api.Runners.remove({ runnerId: id }));
  }

  /**
   * Verifies a runner's token with GitLab. GitLab counts this as contact, so it uses its own system id, which is deleted
   * at once: otherwise the doctor itself would make a dead runner look online.
   */
  async verify(token: string): Promise<Verification> {
    const process = { token, system_id: ownSystemId };
    const response = await this.#asRunner("POST", "runners/verify", process);
    if (response.status === 403) {
      return { valid: false };
    }
    if (!response.ok) {
      throw new Error(`HTTP ${response.status} for the runner's token`);
    }
    const answer = (await response.json()) as { id: number; token_expires_at: string | null };
    await this.#asRunner("DELETE", "runners/managers", process);
    return {
      valid: true,
      runnerId: answer.id,
      expiresAt: answer.token_expires_at === null ? undefined : new Date(answer.token_expires_at),
    };
  }

  /** In the body, since URLs are logged. */
  #asRunner(method: string, path: string, body: Readonly<Record<string, string>>): Promise<Response> {
    return fetch(`${this.baseUrl}/${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(callLimit),
    });
  }
}
