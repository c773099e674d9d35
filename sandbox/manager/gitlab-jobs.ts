import { z } from "zod";

const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);

const jobSchema = z.looseObject({
  id: z.number(),
  token: z.string(),
  job_info: z.looseObject({
    name: z.string(),
    project_id: z.number(),
    project_name: z.string(),
    project_full_path: z.string(),
  }),
  runner_info: z.looseObject({ timeout: z.number() }),
  variables: list(z.looseObject({ key: z.string(), value: z.string(), masked: z.boolean() })),
  steps: list(z.looseObject({ name: z.string(), script: list(z.string()) })),
  image: z.looseObject({ name: z.string() }).nullish(),
  cache: list(z.looseObject({ key: z.string(), paths: list(z.string()), policy: z.string() })),
});

/** The fields that the stand-in reads of a job from GitLab. */
export type GitLabJob = z.output<typeof jobSchema>;

/** How a job ended. */
export interface JobResult {
  readonly state: "success" | "failed";
  readonly failureReason?: "script_failure" | "runner_system_failure";
  readonly exitCode?: number;
}

/** Version that the stand-in reports, and of the helper image that it names: that of the installed chart. */
export const runnerVersion = "18.9.0";

/**
 * The part of GitLab's API that a runner needs. Each method rejects if GitLab refuses the request; errors contain
 * paths and status codes, never tokens.
 */
export class GitLabJobs {
  readonly #api: string;
  readonly #runner: object;

  /** @param url - GitLab's address. @param token - the runner's. @param systemId - identifies its manager. */
  constructor(url: string, token: string, systemId: string) {
    this.#api = `${url.replace(/\/+$/, "")}/api/v4`;
    const info = {
      name: "gitlab-runner",
      version: `${runnerVersion} (sandbox)`,
      platform: process.platform,
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      executor: "kubernetes",
      shell: "bash",
      features: { variables: true, image: true, cache: true, shared: true, masking: true, return_exit_code: true },
    };
    this.#runner = { token, system_id: systemId, info };
  }

  /** Rejects unless GitLab knows the runner's token. */
  async verify(): Promise<void> {
    await this.#call("POST", "runners/verify", this.#runner);
  }

  /** A job that the runner may take, or undefined. */
  async request(signal: AbortSignal): Promise<GitLabJob | undefined> {
    const response = await this.#call("POST", "jobs/request", this.#runner, {}, signal);
    return response.status === 201 ? jobSchema.parse(await response.json()) : undefined;
  }

  /** Appends to a job's log at `offset`, in bytes. */
  async appendTrace(job: GitLabJob, part: Buffer<ArrayBuffer>, offset: number): Promise<void> {
    await this.#call("PATCH", `jobs/${job.id}/trace`, part, {
      "Content-Type": "text/plain",
      "Content-Range": `${offset}-${offset + part.length - 1}`,
      "Job-Token": job.token,
    });
  }

  /** Reports the result of a job. */
  async finish(job: GitLabJob, { state, failureReason, exitCode }: JobResult): Promise<void> {
    const result = { state, failure_reason: failureReason, exit_code: exitCode };
    await this.#call("PUT", `jobs/${job.id}`, { token: job.token, ...result });
  }

  async #call(
    method: string,
    path: string,
    body: object,
    headers: Record<string, string> = {},
    signal: AbortSignal = AbortSignal.timeout(30_000),
  ): Promise<Response> {
    const response = await fetch(`${this.#api}/${path}`, {
      method,
      headers: { "Content-Type": "application/json", ...headers },
      body: Buffer.isBuffer(body) ? (body as Buffer<ArrayBuffer>) : JSON.stringify(body),
      signal,
    });
    if (!response.ok) {
      throw new Error(`${path}: GitLab answered ${response.status}`);
    }
    return response;
  }
}
