import { Hono } from "hono";
import { z } from "zod";
import type { AppContext, AppEnv } from "./context.ts";
import { ApiError, badRequest, forbidden } from "./errors.ts";
import { jobPayload } from "./job-payload.ts";
import { finishJob, isProcessing, takeJob } from "./job-states.ts";
import type { Job } from "./model.ts";
import { optionalInteger, optionalText, parseParameters } from "./parameters.ts";
import { authenticateRunner } from "./runner-process-api.ts";
import type { GitLabStore } from "./store.ts";

/** How often a runner should send its log, in seconds; GitLab's values are 3 while someone watches and 60 otherwise. */
const traceInterval = "3";

const requestSchema = z.object({ last_update: optionalText });
const updateSchema = z.object({
  state: optionalText,
  failure_reason: optionalText,
  exit_code: optionalInteger,
  output: z.object({ checksum: optionalText, bytesize: optionalInteger }).nullish(),
});

function noJob(c: AppContext, lastUpdate: string): Response {
  return c.body(null, 204, { "X-GitLab-Last-Update": lastUpdate });
}

function requestJob(store: GitLabStore, c: AppContext): Response {
  const { runner, systemId } = authenticateRunner(store, c);
  const { last_update: lastUpdate } = parseParameters(requestSchema, c.get("parameters"));
  if (runner.paused || lastUpdate === store.queueVersion) {
    return noJob(c, store.queueVersion);
  }
  const version = store.queueVersion;
  const job = takeJob(store, runner, systemId);
  const project = job && store.projects.get(job.projectId);
  if (!project) {
    return noJob(c, version);
  }
  return c.json(jobPayload(store, job, project, runner), 201);
}

/** The job of the call. Throws a 403, not a 404, so that a runner stops a job that no longer exists. */
function authenticateJob(store: GitLabStore, c: AppContext): Job {
  const job = store.jobs.get(Number(c.req.param("id")));
  const token = c.get("parameters").token ?? c.req.header("job-token");
  if (!job || job.token !== token) {
    throw forbidden();
  }
  if (!isProcessing(job)) {
    throw forbidden("Job is not running", { "Job-Status": job.status });
  }
  const runner = job.runnerId === undefined ? undefined : store.runners.get(job.runnerId);
  if (runner) {
    store.contact(runner, {}, job.systemId);
  }
  return job;
}

function appendTrace(store: GitLabStore, c: AppContext): Response {
  const job = authenticateJob(store, c);
  const header = c.req.header("content-range");
  if (header === undefined) {
    throw new ApiError(400, { error: "400 Missing header Content-Range" });
  }
  const range = /^(\d+)-(\d+)$/.exec(header.trim());
  const part = c.get("body");
  const fits =
    range && Number(range[1]) === job.trace.length && Number(range[2]) === job.trace.length + part.length - 1;
  if (!fits) {
    throw new ApiError(416, { error: "416 Range Not Satisfiable" }, { Range: `0-${job.trace.length}` });
  }
  job.trace = Buffer.concat([job.trace, part]);
  return c.text("0", 202, {
    "Job-Status": job.status,
    Range: `0-${job.trace.length}`,
    "X-GitLab-Trace-Update-Interval": traceInterval,
  });
}

function updateJob(store: GitLabStore, c: AppContext): Response {
  const job = authenticateJob(store, c);
  const update = parseParameters(updateSchema, c.get("parameters"));
  const state = update.state ?? "running";
  if (state !== "running" && state !== "success" && state !== "failed") {
    throw badRequest("Unknown state");
  }
  const headers = { "X-GitLab-Trace-Update-Interval": traceInterval };
  if (state === "running") {
    return c.text("200", 200, { ...headers, "Job-Status": job.status });
  }
  finishJob(store, job, state);
  if (typeof update.exit_code === "number") {
    job.exitCode = update.exit_code;
  }
  if (state === "failed") {
    job.failureReason = update.failure_reason ?? "unknown_failure";
  }
  // No Job-Status: a runner that reads `failed` there would treat its own update as refused.
  return c.text("200", 200, headers);
}

/** The API for jobs that a runner process uses. */
export function jobsApi(store: GitLabStore): Hono<AppEnv> {
  const api = new Hono<AppEnv>();
  api.post("/jobs/request", (c) => requestJob(store, c));
  api.put("/jobs/:id", (c) => updateJob(store, c));
  api.patch("/jobs/:id/trace", (c) => appendTrace(store, c));
  return api;
}
