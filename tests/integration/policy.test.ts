import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import stripAnsi from "strip-ansi";
import { SandboxUnderTest, type CommandResult } from "./sandbox-under-test.ts";

describe("the policy pack, run by the engine", { timeout: 15 * 60_000 }, () => {
  const sandbox = new SandboxUnderTest();
  before(async () => {
    const { all, exitCode } = await sandbox.command("up");
    assert.equal(exitCode, 0, all);
  });
  after(() => sandbox.remove());

  /** Runs Pulumi with the pack. */
  async function pulumi(...args: string[]): Promise<CommandResult> {
    const result = await sandbox.command(
      "exec",
      "--",
      "pulumi",
      ...args,
      "--non-interactive",
      "--policy-pack",
      "policy",
    );
    return { ...result, all: stripAnsi(result.all) };
  }

  async function set(key: string, value: string): Promise<void> {
    await sandbox.exec("pulumi", "config", "set", "--path", key, value);
  }

  test("passes the homelab's stack, and says that it has looked", async () => {
    const { all, exitCode } = await pulumi("preview", "--expect-no-changes");
    assert.equal(exitCode, 0, all);
    assert.match(all, /✅ gitlab-runner@v0\.1\.0/);
    assert.doesNotMatch(all, /advisory|mandatory|can't run/);
  });

  test("is told by the stack's file what the stack must keep", async () => {
    await set("policy:production", "true");
    const { all, exitCode } = await pulumi("preview");
    assert.notEqual(exitCode, 0, all);
    assert.match(all, /\[mandatory\] +production-keeps-its-cache[^]*--path cache\.deleteWithStack false/);
    await sandbox.exec("pulumi", "config", "rm", "policy:production");
  });

  test("fails the first deployment of a stack that breaks rules, before anything is created", async () => {
    await sandbox.exec("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive");
    const passing = await pulumi("preview");
    assert.equal(passing.exitCode, 0, passing.all);
    assert.doesNotMatch(passing.all, /advisory|mandatory|can't run/);

    await set("podSecurity", "privileged");
    await set("jobs.privileged", "true");
    await set("policy:closedNetwork", "true");
    const { all, exitCode } = await pulumi("up", "--yes");
    assert.notEqual(exitCode, 0, all);
    assert.match(all, /❌ gitlab-runner@v0\.1\.0/);
    assert.match(all, /\[mandatory\] +no-privileged-jobs[^]*pulumi config set --path jobs\.privileged false/);
    assert.match(all, /\[mandatory\] +closed-network[^]*No NetworkPolicy denies all other traffic/);
    const { deployment } = JSON.parse(await sandbox.exec("pulumi", "stack", "export")) as {
      deployment: { resources?: { type: string }[] };
    };
    assert.deepEqual(deployment.resources ?? [], []);
    const { items } = await sandbox.kubectl("get", "namespaces");
    assert.ok(!items.some(({ metadata }) => metadata.name === "gitlab-runner"));
  });
});
