import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { JobRequest } from "../../sandbox/gitlab/control-schemas.ts";
import { GitLabJobs, RunnerForbiddenError } from "../../sandbox/manager/gitlab-jobs.ts";
import { JobTrace, type Cancellation } from "../../sandbox/manager/job-trace.ts";
import { pollForJobs } from "../../sandbox/manager/manager-process.ts";
import { registerRunner } from "../../sandbox/manager/runner-config.ts";
import { EmulatorControl } from "../../sandbox/gitlab/control.ts";
import { startGitLabEmulator } from "../../sandbox/gitlab/emulator.ts";

const timeout = 40_000;

/** An emulator with one project and its runner. */
async function gitlab(t: TestContext) {
  const controlToken = "control-token";
  const token = "glpat-admin-0123456789";
  const emulator = await startGitLabEmulator({
    seed: {
      controlToken,
      accessTokens: [{ token, username: "root", scopes: ["api"], admin: true }],
      projects: [{ id: 7, path: "home/lab" }],
    },
  });
  t.after(() => emulator.close());
  const answer = await fetch(`${emulator.url}/api/v4/user/runners`, {
    method: "POST",
    headers: { "PRIVATE-TOKEN": token, "Content-Type": "application/json" },
    body: JSON.stringify({ runner_type: "project_type", project_id: 7, run_untagged: true }),
  });
  const runner = (await answer.json()) as { token: string };
  const client = (runnerToken = runner.token) =>
    new GitLabJobs({
      url: `${emulator.url}/`,
      token: runnerToken,
      systemId: "r_test",
      name: "test",
      version: "18.9.0",
    });
  return { url: emulator.url, token: runner.token, control: new EmulatorControl(emulator.url, controlToken), client };
}

async function takeJob(t: TestContext, request: Partial<JobRequest> = {}) {
  const { control, client } = await gitlab(t);
  const { id } = await control.addJob({ projectId: 7, name: "build", script: ["true"], ...request });
  const jobs = client();
  await jobs.verify();
  const job = await jobs.request(AbortSignal.timeout(10_000));
  assert.ok(job);
  assert.equal(job.id, id);
  const heard: Cancellation[] = [];
  const trace = new JobTrace(jobs, job, ["hunter2"], (how) => {
    heard.push(how);
  });
  return { control, id, trace, heard, jobs };
}

test("the log arrives whole, masked, with its sections, and the job's end", { timeout }, async (t) => {
  const { control, id, trace, jobs } = await takeJob(t);
  trace.line("the password is hunter2");
  await trace.section("step_script", "Script", () => {
    trace.write("out");
    return Promise.resolve();
  });
  await trace.finish({ state: "success", exitCode: 0 });
  const job = await control.job(id);
  assert.equal(job.status, "success");
  assert.match(job.trace, /^the password is \[MASKED\]\nsection_start:\d+:step_script\r.*Script.*\nout/s);
  assert.match(job.trace, /section_end:\d+:step_script\r/);
  assert.equal(await jobs.request(AbortSignal.timeout(10_000)), undefined);
});

for (const kind of ["lost-answer", "cut", "status"] as const) {
  test(`a disturbed answer (${kind}) costs and doubles nothing`, { timeout }, async (t) => {
    const { control, id, trace } = await takeJob(t, { acceptedUpdates: 2 });
    trace.line("first");
    await control.addFault({ path: `/jobs/${id}`, kind, count: 2 });
    await trace.finish({ state: "failed", failureReason: "script_failure", exitCode: 7 });
    const job = await control.job(id);
    assert.equal(job.trace, "first\n");
    assert.equal(job.status, "failed");
    assert.equal(job.failureReason, "script_failure");
    assert.equal(job.exitCode, 7);
  });
}

test("a cancellation is heard while the job writes nothing", { timeout }, async (t) => {
  const { control, id, trace, heard } = await takeJob(t);
  await control.cancelJob(id);
  for (let tries = 0; heard.length === 0 && tries < 100; tries += 1) {
    await sleep(100);
  }
  assert.equal(heard[0], "graceful");
  await trace.finish({ state: "failed", failureReason: "job_canceled" });
  assert.equal((await control.job(id)).status, "canceled");
});

test("an unknown token is an error of its own, without the token", { timeout }, async (t) => {
  const { client } = await gitlab(t);
  const token = "glrt-unknown-0123456789";
  await assert.rejects(
    client(token).verify(),
    (error) => error instanceof RunnerForbiddenError && !error.message.includes(token),
  );
});

test("as many jobs at once as concurrent says; stopping waits for them", { timeout }, async (t) => {
  const { control, client, url, token } = await gitlab(t);
  for (const name of ["a", "b", "c"]) {
    await control.addJob({ projectId: 7, name, script: ["true"] });
  }
  const { config } = registerRunner({
    config: "concurrent = 2",
    template: "[[runners]]\n[runners.kubernetes]",
    environment: { CI_SERVER_URL: url, CI_SERVER_TOKEN: token, RUNNER_EXECUTOR: "kubernetes" },
    hostname: "pod",
  });
  const stop = new AbortController();
  const slots: number[] = [];
  let running = 0;
  let most = 0;
  const { promise: third, resolve } = Promise.withResolvers<undefined>();
  const ended = pollForJobs({
    gitlab: client(),
    config,
    checkIntervalSeconds: 0.05,
    log: () => undefined,
    signal: stop.signal,
    run: async (_job, slot) => {
      slots.push(slot);
      most = Math.max(most, (running += 1));
      if (slots.length === 3) {
        resolve(undefined);
      }
      await sleep(300);
      running -= 1;
    },
  });
  await third;
  stop.abort();
  await ended;
  assert.equal(running, 0);
  assert.equal(most, 2);
  assert.deepEqual(slots, [0, 1, 0]);
});
