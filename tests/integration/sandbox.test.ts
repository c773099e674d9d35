import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import { execa } from "execa";
import { isRunning } from "../../sandbox/servers.ts";
import type { SandboxState } from "../../sandbox/sandbox-folder.ts";
import { repository } from "../../tools/repository.ts";
import { SandboxUnderTest } from "./sandbox-under-test.ts";

const main = join(repository, "sandbox/main.ts");

describe("npm run sandbox, when something is wrong", { timeout: 20 * 60_000 }, () => {
  const scratch = mkdtempSync(join(tmpdir(), "gitlab-runner-test-"));
  let sandbox: SandboxUnderTest;

  beforeEach(() => {
    sandbox = new SandboxUnderTest();
  });
  afterEach(() => sandbox.remove());
  after(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  /** Starts `up`, and resolves once it has started as many servers. */
  async function upUntil(servers: number) {
    const child = execa(process.execPath, [main, "--dir", sandbox.path, "up"], {
      reject: false,
      all: true,
      stdin: "ignore",
      detached: true,
    });
    const deadline = Date.now() + 60_000;
    let state: SandboxState | undefined;
    while ((state?.servers.length ?? 0) < servers) {
      assert.ok(Date.now() < deadline, "no server was started within a minute");
      await sleep(20);
      try {
        state = sandbox.state;
      } catch {
        // Not there yet.
      }
    }
    return { child, servers: () => sandbox.state.servers };
  }

  test("says what to install where Go is missing, before it starts anything", async () => {
    const env = { PATH: "/nowhere", XDG_CACHE_HOME: join(scratch, "cache") };
    const result = await execa(process.execPath, [main, "--dir", sandbox.path, "up"], {
      env,
      reject: false,
      all: true,
    });
    assert.equal(result.exitCode, 1);
    assert.match(
      result.all,
      /The command 'go' was not found\.\nInstall Go 1\.26 or newer: https:\/\/go\.dev\/doc\/install/,
    );
    assert.doesNotMatch(result.all, /\n +at /, "no stack trace");
    assert.equal(existsSync(sandbox.path), false);
  });

  test("does not use a build that was interrupted", async () => {
    const cache = join(scratch, "cut-off");
    mkdirSync(join(cache, "gitlab-runner-sandbox", "building-etcd-x1y2z3"), { recursive: true });
    const env = { PATH: "/nowhere", XDG_CACHE_HOME: cache };
    const result = await execa(process.execPath, [main, "tools"], { env, reject: false, all: true });
    assert.equal(result.exitCode, 1, "it wants to build");
    assert.match(result.all, /Install Go/);
  });

  test("says at once where the published plugins cannot be had", async () => {
    const result = await execa(process.execPath, [main, "--dir", sandbox.path, "up", "--published"], {
      env: { PULUMI_HOME: join(scratch, "pulumi"), HTTPS_PROXY: "http://127.0.0.1:9" },
      reject: false,
      all: true,
    });
    assert.equal(result.exitCode, 1);
    assert.match(result.all, /The published plugin kubernetes 4\.32\.0 cannot be installed:\n.*127\.0\.0\.1:9/s);
    assert.match(result.all, /Without --published, the sandbox uses those that are installed/);
    assert.doesNotMatch(result.all, /\n +at /, "no stack trace");
    assert.equal(existsSync(sandbox.path), false);
  });

  test("leaves a folder alone that is not its own", async () => {
    const foreign = join(scratch, "documents");
    mkdirSync(foreign);
    writeFileSync(join(foreign, "thesis.txt"), "years of work");
    for (const command of ["up", "down", "status"]) {
      const result = await execa(process.execPath, [main, "--dir", foreign, command], { reject: false, all: true });
      assert.equal(result.exitCode, 1);
      assert.match(result.all, /documents exists and is not a sandbox's folder\.\nChoose another one with --dir/);
    }
    assert.deepEqual(readdirSync(foreign), ["thesis.txt"]);
  });

  test("says how to start where there is no sandbox", async () => {
    for (const args of [["status"], ["job"], ["exec", "--", "kubectl", "version"]]) {
      const { all, exitCode } = await sandbox.command(...args);
      assert.equal(exitCode, 1);
      assert.match(all, /There is no sandbox in .*\.\nStart one: npm run sandbox/);
    }
  });

  for (const count of [1, 3, 6]) {
    test(`leaves nothing behind on Ctrl-C, with ${count} servers or more started`, async () => {
      const { child, servers } = await upUntil(count);
      const started = servers();
      // As a terminal does: to every process of the command, those that it has started to do something among them.
      process.kill(-(child.pid ?? 0), "SIGINT");
      const { exitCode, all } = await child;
      assert.equal(exitCode, 130, all);
      assert.deepEqual(started.filter(isRunning), []);
      assert.equal(existsSync(sandbox.path), false);
      const { stdout } = await execa("ps", ["-eo", "args"]);
      assert.deepEqual(
        stdout.split("\n").filter((line) => line.includes(sandbox.path)),
        [],
      );
    });
  }

  test("clears away what a killed one has left, and starts anew", async () => {
    const { child, servers } = await upUntil(4);
    child.kill("SIGKILL");
    await child;
    const orphans = servers();
    assert.ok(orphans.some(isRunning), "there are left-overs");
    const status = await sandbox.command("status");
    assert.match(status.all, /was interrupted; the logs are in .*\nStart it again: npm run sandbox/);
    const { all, exitCode } = await sandbox.command("up");
    assert.equal(exitCode, 0, all);
    assert.match(all, /Cleaning up a sandbox that was interrupted/);
    assert.deepEqual(orphans.filter(isRunning), []);
  });

  test("says which server has ended, and recovers", async () => {
    const first = await sandbox.command("up");
    assert.equal(first.exitCode, 0, first.all);
    const minio = sandbox.state.servers.find(({ name }) => name === "minio");
    process.kill(minio?.pid ?? 0, "SIGKILL");
    await sleep(200);
    const status = await sandbox.command("status");
    assert.match(status.all, /has lost minio/);
    const second = await sandbox.command("up");
    assert.equal(second.exitCode, 0, second.all);
  });
});
