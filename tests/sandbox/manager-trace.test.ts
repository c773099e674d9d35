import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { GitLabJobs } from "../../sandbox/manager/gitlab-jobs.ts";
import { JobTrace } from "../../sandbox/manager/job-trace.ts";
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
  const client = (runnerToken = runner.token) => new GitLabJobs(`${emulator.url}/`, runnerToken, "r_test");
  return { control: new EmulatorControl(emulator.url, controlToken), client };
}

async function takeJob(t: TestContext) {
  const { control, client } = await gitlab(t);
  const { id } = await control.addJob({ projectId: 7, name: "build", script: ["true"] });
  const jobs = client();
  await jobs.verify();
  const job = await jobs.request(AbortSignal.timeout(10_000));
  assert.ok(job);
  assert.equal(job.id, id);
  return { control, id, jobs, trace: new JobTrace(jobs, job, ["hunter2", "hunter2-and-more"]) };
}

test("the log arrives while the job runs, and whole at its end", { timeout }, async (t) => {
  const { control, id, trace, jobs } = await takeJob(t);
  trace.line("first");
  for (let tries = 0; (await control.job(id)).trace !== "first\n"; tries += 1) {
    assert.ok(tries < 100, "nothing was sent before the end");
    await sleep(100);
  }
  trace.write("last, without a line break");
  await trace.finish({ state: "success", exitCode: 0 });
  const job = await control.job(id);
  assert.equal(job.status, "success");
  assert.equal(job.trace, "first\nlast, without a line break");
  assert.equal(await jobs.request(AbortSignal.timeout(10_000)), undefined);
});

test("secrets are masked, also where chunks cut them", { timeout }, async (t) => {
  const { control, id, trace } = await takeJob(t);
  for (const chunk of ["it is hun", "ter2, ", "hunter2-and-more\nand hunt", "er2"]) {
    trace.write(chunk);
  }
  await trace.finish({ state: "failed", failureReason: "script_failure", exitCode: 7 });
  const job = await control.job(id);
  assert.equal(job.trace, "it is [MASKED], [MASKED]\nand [MASKED]");
  assert.deepEqual([job.status, job.failureReason, job.exitCode], ["failed", "script_failure", 7]);
});

test("an unknown token is an error without the token", { timeout }, async (t) => {
  const { client } = await gitlab(t);
  const token = "glrt-unknown-0123456789";
  await assert.rejects(
    client(token).verify(),
    (error: Error) => error.message.includes("403") && !error.message.includes(token),
  );
});
