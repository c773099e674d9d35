import { z } from "zod";

const text = z.string().nullish();
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);

const imageSchema = z.looseObject({ name: z.string(), alias: text, pull_policy: list(z.string()) });

const jobSchema = z.looseObject({
  id: z.number(),
  token: z.string(),
  job_info: z.looseObject({
    name: z.string(),
    stage: z.string(),
    project_id: z.number(),
    project_name: z.string(),
    project_full_path: text,
    namespace_id: z.number().nullish(),
  }),
  git_info: z.looseObject({ ref: text, sha: text, before_sha: text }).nullish(),
  runner_info: z.looseObject({ timeout: z.number() }),
  variables: list(
    z.looseObject({
      key: z.string(),
      value: z
        .string()
        .nullish()
        .transform((value) => value ?? ""),
      masked: z.boolean().nullish(),
      file: z.boolean().nullish(),
      raw: z.boolean().nullish(),
    }),
  ),
  steps: list(z.looseObject({ name: z.string(), script: list(z.string()), when: text })),
  image: imageSchema.nullish(),
  services: list(imageSchema),
  artifacts: list(z.looseObject({})),
  cache: list(
    z.looseObject({
      key: z.string(),
      paths: list(z.string()),
      policy: text,
      when: text,
      fallback_keys: list(z.string()),
    }),
  ),
  features: z.looseObject({ token_mask_prefixes: list(z.string()) }).nullish(),
});

/** A job as GitLab hands it to a runner, as far as the built-in manager reads it. */
export type GitLabJob = z.output<typeof jobSchema>;
/** One entry of a job's `cache`. */
export type JobCacheEntry = GitLabJob["cache"][number];

/** How a job ended. */
export interface JobResult {
  readonly state: "success" | "failed";
  readonly failureReason?: "script_failure" | "runner_system_failure" | "job_execution_timeout" | "job_canceled";
  readonly exitCode?: number;
}

/** What GitLab says of a job in its answers: `canceling` and `canceled` reach a runner only this way. */
export interface TraceAnswer {
  readonly status: number;
  readonly jobStatus: string | undefined;
  /** Bytes of the trace that GitLab has. */
  readonly received: number | undefined;
  /** How long to wait before the next call, in milliseconds. */
  readonly intervalMs: number | undefined;
}

/** GitLab refuses the runner's token. */
export class RunnerForbiddenError extends Error {
  override readonly name = "RunnerForbiddenError";
}

/** Ask again later. */
export class RetryLaterError extends Error {
  override readonly name = "RetryLaterError";
  /** @param delayMs as GitLab's `Retry-After` says; undefined where it does not. */
  readonly delayMs: number | undefined;
  constructor(message: string, delayMs: number | undefined) {
    super(message);
    this.delayMs = delayMs;
  }
}

/** The part of GitLab's API that runner processes use. Errors carry paths and status codes, never tokens. */
export class GitLabJobs {
  readonly #url: string;
  readonly #token: string;
  readonly #systemId: string;
  readonly #info: object;
  #lastUpdate: string | undefined;

  constructor(options: { url: string; token: string; systemId: string; name: string; version: string }) {
    this.#url = options.url.replace(/\/+$/, "");
    this.#token = options.token;
    this.#systemId = options.systemId;
    this.#info = {
      name: options.name,
      version: options.version,
      platform: process.platform,
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      executor: "kubernetes",
      shell: "bash",
      features: {
        variables: true,
        image: true,
        services: true,
        cache: true,
        shared: true,
        masking: true,
        cancelable: true,
        cancel_gracefully: true,
        trace_reset: false,
        trace_checksum: true,
        trace_size: true,
        raw_variables: true,
        return_exit_code: true,
        cache_fallback_keys: true,
      },
    };
  }

  /** Checks the runner token; throws {@link RunnerForbiddenError} if GitLab does not know it. */
  async verify(): Promise<void> {
    await this.#runnerCall("runners/verify", AbortSignal.timeout(30_000));
  }

  /** The next job for this runner, or undefined if there is none. A server may hold the call open for a while. */
  async request(signal: AbortSignal): Promise<GitLabJob | undefined> {
    const response = await this.#runnerCall("jobs/request", AbortSignal.any([signal, AbortSignal.timeout(90_000)]));
    this.#lastUpdate = response.headers.get("x-gitlab-last-update") ?? undefined;
    if (response.status !== 201) {
      return undefined;
    }
    const job = jobSchema.safeParse(await response.json());
    if (job.success) {
      return job.data;
    }
    throw new Error(
      `GitLab sent a job that is not understood: ${job.error.issues.map((i) => i.path.join(".")).join()}`,
    );
  }

  /** Sends `bytes` of the trace, of which `offset` are there already. */
  async patchTrace(job: GitLabJob, bytes: Buffer, offset: number): Promise<TraceAnswer> {
    const range = `${offset}-${offset + bytes.length - 1}`;
    return this.#jobCall(job, "PATCH", `jobs/${job.id}/trace`, new Uint8Array(bytes), {
      "Content-Type": "text/plain",
      "Content-Range": range,
    });
  }

  /** Says that the job runs still, and learns whether it should. */
  async touch(job: GitLabJob): Promise<TraceAnswer> {
    return this.#update(job, { state: "running" });
  }

  /** Says how the job ended. 202 means: ask again after a while. */
  async finish(job: GitLabJob, result: JobResult, trace: { bytes: number; checksum: string }): Promise<TraceAnswer> {
    return this.#update(job, {
      state: result.state,
      ...(result.failureReason && { failure_reason: result.failureReason }),
      ...(result.exitCode !== undefined && { exit_code: result.exitCode }),
      output: { bytesize: trace.bytes, checksum: trace.checksum },
    });
  }

  #update(job: GitLabJob, body: object): Promise<TraceAnswer> {
    const payload = JSON.stringify({ token: job.token, info: this.#info, ...body });
    return this.#jobCall(job, "PUT", `jobs/${job.id}`, payload, { "Content-Type": "application/json" });
  }

  async #runnerCall(path: string, signal: AbortSignal): Promise<Response> {
    const response = await fetch(`${this.#url}/api/v4/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        token: this.#token,
        system_id: this.#systemId,
        info: this.#info,
        ...(this.#lastUpdate !== undefined && { last_update: this.#lastUpdate }),
      }),
      signal,
    });
    if (response.ok) {
      return response;
    }
    if (response.status === 403) {
      throw new RunnerForbiddenError(`${path}: GitLab does not know the runner's token (403)`);
    }
    throw retryLater(path, response);
  }

  async #jobCall(
    job: GitLabJob,
    method: string,
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string>,
  ): Promise<TraceAnswer> {
    const response = await fetch(`${this.#url}/api/v4/${path}`, {
      method,
      headers: { ...headers, "Job-Token": job.token },
      body,
      signal: AbortSignal.timeout(30_000),
    });
    await response.arrayBuffer();
    if (response.status === 429 || response.status >= 500) {
      throw retryLater(path, response);
    }
    const received = /^0-(\d+)$/.exec(response.headers.get("range") ?? "")?.[1];
    const interval = Number(response.headers.get("x-gitlab-trace-update-interval"));
    return {
      status: response.status,
      // 403 means that GitLab has done with the job, whatever state it is in.
      jobStatus: response.headers.get("job-status") ?? (response.status === 403 ? "canceled" : undefined),
      received: received === undefined ? undefined : Number(received),
      intervalMs: interval > 0 ? interval * 1000 : undefined,
    };
  }
}

function retryLater(path: string, response: Response): RetryLaterError {
  const seconds = Number(response.headers.get("retry-after"));
  return new RetryLaterError(`${path}: GitLab answered ${response.status}`, seconds > 0 ? seconds * 1000 : undefined);
}
