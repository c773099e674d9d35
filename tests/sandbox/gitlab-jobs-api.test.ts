import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { z } from "zod";
import type { JobRequest } from "../../sandbox/gitlab/control-schemas.ts";
import { fields, startServer, tokens, type TestServer } from "./gitlab-test-server.ts";

const timeout = 20_000;
const features = { cancel_gracefully: true };

/** What a gitlab-runner reads, with the types of its Go structures; a wrong type makes it refuse the job. */
const runnerJob = z.object({
  id: z.int(),
  token: z.string(),
  allow_git_fetch: z.boolean(),
  job_info: z.object({
    name: z.string(),
    stage: z.string(),
    project_id: z.int(),
    project_name: z.string(),
    time_in_queue_seconds: z.number(),
    project_jobs_running_on_instance_runners_count: z.string(),
  }),
  git_info: z.object({
    repo_url: z.url(),
    ref: z.string(),
    sha: z.string(),
    before_sha: z.string(),
    ref_type: z.enum(["branch", "tag"]),
    refspecs: z.array(z.string()),
    depth: z.int(),
  }),
  runner_info: z.object({ timeout: z.int(), runner_session_url: z.string().nullable() }),
  variables: z.array(
    z.object({
      key: z.string(),
      value: z.string(),
      public: z.boolean(),
      masked: z.boolean(),
      file: z.boolean(),
      raw: z.boolean(),
    }),
  ),
  steps: z.array(
    z.object({
      name: z.literal("script"),
      script: z.array(z.string()),
      timeout: z.int(),
      when: z.string(),
      allow_failure: z.boolean(),
    }),
  ),
  image: z
    .object({
      name: z.string(),
      entrypoint: z.array(z.string()).nullable(),
      ports: z.array(z.unknown()),
      executor_opts: z.object({}),
      pull_policy: z.array(z.string()),
    })
    .nullable(),
  services: z.array(z.never()),
  artifacts: z.array(z.never()),
  cache: z.array(
    z.object({
      key: z.string(),
      untracked: z.boolean(),
      paths: z.array(z.string()),
      policy: z.enum(["pull", "push", "pull-push"]),
      when: z.string(),
      fallback_keys: z.array(z.string()),
    }),
  ),
  credentials: z.array(z.never()),
  dependencies: z.array(z.never()),
  features: z.object({
    trace_sections: z.boolean(),
    token_mask_prefixes: z.array(z.string()),
    failure_reasons: z.array(z.string()),
  }),
  secrets: z.object({}),
  // Parsed as JSON inside of JSON, so null is an error.
  run: z.string().optional(),
});

async function withRunner(t: TestContext, runner: Readonly<Record<string, unknown>> = {}) {
  const server = await startServer(t);
  const { id, token } = await server.createRunner(runner);
  return { server, id, token };
}

function request(server: TestServer, token: string, json: object = {}) {
  return server.call("POST", "/jobs/request", { json: { token, system_id: "s_one", info: { features }, ...json } });
}

async function take(server: TestServer, token: string) {
  const answer = await request(server, token);
  assert.equal(answer.status, 201);
  return runnerJob.parse(answer.body);
}

const trace = (server: TestServer, job: { id: number; token: string }, text: string, range?: string) =>
  server.call("PATCH", `/jobs/${job.id}/trace?debug_trace=false`, {
    text,
    headers: {
      "JOB-TOKEN": job.token,
      "Content-Type": "text/plain",
      ...(range === undefined ? {} : { "Content-Range": range }),
    },
  });

const update = (server: TestServer, job: { id: number; token: string }, json: object) =>
  server.call("PUT", `/jobs/${job.id}`, { json: { token: job.token, ...json } });

test("a protected branch has a separate cache, unless the job says otherwise", { timeout }, async (t) => {
  const { server, token } = await withRunner(t);
  const cache = [
    { key: "deps", paths: ["vendor/"] },
    { key: "open", paths: ["open/"], unprotect: true },
  ];
  const keys = async (isProtected: boolean) => {
    await server.control.addJob({ projectId: 1, script: ["true"], cache, protected: isProtected });
    return (await take(server, token)).cache.map(({ key }) => key);
  };
  assert.deepEqual(await keys(true), ["deps-protected", "open-non_protected"]);
  assert.deepEqual(await keys(false), ["deps-non_protected", "open-non_protected"]);
});

test("a job from queue to success: payload, trace, final update", { timeout }, async (t) => {
  const { server, id, token } = await withRunner(t, { maximum_timeout: 600 });
  const added = await server.control.addJob({
    projectId: 1,
    name: "build",
    script: ["echo one", "echo two"],
    image: "alpine:3",
    cache: [{ key: "deps", paths: ["vendor/"] }],
    variables: { COLOUR: "blue" },
    timeout: 1200,
  });
  assert.equal(added.status, "pending");
  const job = await take(server, token);
  assert.deepEqual(
    [job.id, job.job_info.project_id, job.job_info.name, job.image?.name, job.runner_info.timeout],
    [added.id, 1, "build", "alpine:3", 600],
  );
  assert.deepEqual(
    job.steps.map((step) => step.script),
    [["echo one", "echo two"]],
  );
  assert.deepEqual(
    job.cache.map((one) => [one.key, one.paths, one.policy]),
    [["deps-non_protected", ["vendor/"], "pull-push"]],
  );
  const variables = new Map(job.variables.map(({ key, value }) => [key, value]));
  assert.deepEqual(
    ["GIT_STRATEGY", "COLOUR", "CI_PROJECT_PATH", "CI_SERVER_URL"].map((key) => variables.get(key)),
    ["none", "blue", "homelab/one", server.url],
  );
  assert.equal((await server.control.job(job.id)).status, "running");

  const first = await trace(server, job, "hello ", "0-5");
  const header = (name: string) => first.headers.get(name);
  assert.deepEqual([first.status, header("job-status"), header("range")], [202, "running", "0-6"]);
  assert.match(header("x-gitlab-trace-update-interval") ?? "", /^\d+$/);
  assert.equal((await trace(server, job, "wörld", "6-11")).headers.get("range"), "0-12");
  const ended = await update(server, job, { state: "success", exit_code: 0 });
  assert.deepEqual([ended.status, ended.headers.get("job-status")], [200, null]);
  const over = await server.control.job(job.id);
  assert.deepEqual(
    [over.status, over.trace, over.exitCode, over.runnerId, over.systemId],
    ["success", "hello wörld", 0, id, "s_one"],
  );

  const jobs = (await server.call("GET", `/runners/${id}/jobs`, { token: tokens.dev })).body as Record<
    string,
    unknown
  >[];
  assert.deepEqual(
    jobs.map((one) => [one.id, one.status, one.name]),
    [[job.id, "success", "build"]],
  );
  assert.deepEqual((await server.call("GET", `/runners/${id}/jobs?status=failed`, { token: tokens.dev })).body, []);
});

test("a trace must continue where it ended", { timeout }, async (t) => {
  const { server, token } = await withRunner(t);
  await server.control.addJob({ projectId: 1, script: ["true"] });
  const job = await take(server, token);
  assert.equal((await trace(server, job, "abc")).status, 400);
  assert.equal((await trace(server, job, "abc", "0-2")).status, 202);
  for (const range of ["0-2", "4-6", "3-9", "none"]) {
    const answer = await trace(server, job, "def", range);
    assert.deepEqual([answer.status, answer.headers.get("range")], [416, "0-3"], range);
  }
  assert.equal((await trace(server, { ...job, token: "other" }, "def", "3-5")).status, 403);
  assert.equal((await trace(server, { ...job, id: 99 }, "def", "3-5")).status, 403);
  assert.equal((await trace(server, job, "def", "3-5")).status, 202);
  assert.equal((await server.control.job(job.id)).trace, "abcdef");
});

test("updates: running, unknown, failed, and none after the end", { timeout }, async (t) => {
  const { server, token } = await withRunner(t);
  await server.control.addJob({ projectId: 1, script: ["false"] });
  const job = await take(server, token);
  assert.equal((await update(server, job, { state: "running" })).status, 200);
  assert.equal((await update(server, job, { state: "asleep" })).status, 400);
  assert.equal((await update(server, { ...job, token: "other" }, { state: "success" })).status, 403);
  const failed = { state: "failed", failure_reason: "script_failure", exit_code: 3 };
  assert.equal((await update(server, job, failed)).status, 200);
  const over = await server.control.job(job.id);
  assert.deepEqual([over.status, over.failureReason, over.exitCode], ["failed", "script_failure", 3]);
  const late = await update(server, job, { state: "success" });
  assert.deepEqual(
    [late.status, late.body, late.headers.get("job-status")],
    [403, { message: "403 Forbidden - Job is not running" }, "failed"],
  );
});

test("a canceled job ends at once, or in good order where the runner can", { timeout }, async (t) => {
  const { server, token } = await withRunner(t);
  const pending = await server.control.addJob({ projectId: 1, script: ["true"] });
  assert.equal((await server.control.cancelJob(pending.id)).status, "canceled");
  await server.control.addJob({ projectId: 1, script: ["true"] });
  const graceful = await take(server, token);
  assert.equal((await server.control.cancelJob(graceful.id)).status, "canceling");
  assert.equal((await trace(server, graceful, "a", "0-0")).headers.get("job-status"), "canceling");
  assert.equal((await update(server, graceful, { state: "failed" })).status, 200);
  assert.equal((await server.control.job(graceful.id)).status, "canceled");
  await server.control.addJob({ projectId: 1, script: ["true"] });
  const answer = await request(server, token, { info: { features: {} } });
  const abrupt = runnerJob.parse(answer.body);
  assert.equal((await server.control.cancelJob(abrupt.id)).status, "canceled");
  const refused = await trace(server, abrupt, "a", "0-0");
  assert.deepEqual([refused.status, refused.headers.get("job-status")], [403, "canceled"]);
});

test("a job goes only to a runner that may take it", { timeout }, async (t) => {
  const job = { projectId: 1, script: ["true"] };
  const cases: readonly (readonly [runner: Readonly<Record<string, unknown>>, job: JobRequest, taken: boolean])[] = [
    [{}, job, true],
    [{ paused: true }, job, false],
    [{ tag_list: ["a"], run_untagged: false }, job, false],
    [{ tag_list: ["a"] }, job, true],
    [{ tag_list: ["a", "b"] }, { ...job, tags: ["b"] }, true],
    [{ tag_list: ["a"] }, { ...job, tags: ["a", "b"] }, false],
    [{ access_level: "ref_protected" }, job, false],
    [{ access_level: "ref_protected" }, { ...job, protected: true }, true],
    [{}, { ...job, projectId: 2 }, false],
    [{ runner_type: "group_type", group_id: 10 }, { ...job, projectId: 2 }, true],
    [{ runner_type: "group_type", group_id: 10 }, { ...job, projectId: 3 }, false],
    [{ runner_type: "instance_type" }, { ...job, projectId: 3 }, true],
  ];
  for (const [runner, wanted, taken] of cases) {
    const server = await startServer(t);
    const { token } = await server.createRunner(runner, tokens.admin);
    await server.control.addJob(wanted);
    assert.equal((await request(server, token)).status, taken ? 201 : 204, JSON.stringify([runner, wanted]));
  }
});

test("a project that is enabled later brings its jobs", { timeout }, async (t) => {
  const { server, id, token } = await withRunner(t);
  await server.control.addJob({ projectId: 2, script: ["true"] });
  const idle = await request(server, token);
  assert.equal(idle.status, 204);
  const lastUpdate = idle.headers.get("x-gitlab-last-update");
  assert.ok(lastUpdate);
  assert.equal(
    (await request(server, token, { last_update: lastUpdate })).headers.get("x-gitlab-last-update"),
    lastUpdate,
  );
  await server.call("POST", "/projects/2/runners", { token: tokens.dev, json: { runner_id: id } });
  assert.equal((await request(server, token, { last_update: lastUpdate })).status, 201);
  assert.equal((await request(server, token)).status, 204);
});

test("jobs go out in order, each once", { timeout }, async (t) => {
  const { server, token } = await withRunner(t);
  for (let count = 0; count < 5; count += 1) {
    await server.control.addJob({ projectId: 1, script: ["true"] });
  }
  const answers = await Promise.all(Array.from({ length: 8 }, () => request(server, token)));
  const taken = answers.filter(({ status }) => status === 201).map((answer) => Number(fields(answer).id));
  assert.deepEqual(taken.toSorted(), [1, 2, 3, 4, 5]);
});
