import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { execa, type ResultPromise } from "execa";
import { gitlabUrl, sandboxEnvironment } from "../../sandbox/environment.ts";
import { EmulatorControl } from "../../sandbox/gitlab/control.ts";
import { otherProject, ownProject } from "../../sandbox/gitlab-seed.ts";
import { SandboxFolder } from "../../sandbox/sandbox-folder.ts";
import { repository } from "../../tools/repository.ts";
import { familyOf, kill } from "../soak/kill.ts";
import { orphanedJobPod } from "./orphaned-job-pod.ts";
import { SandboxUnderTest } from "./sandbox-under-test.ts";

const sandbox = new SandboxUnderTest();
const scratch = mkdtempSync(join(tmpdir(), "gitlab-runner-test-"));
const namespace = "gitlab-runner";

interface Run {
  readonly all: string;
  readonly exitCode: number | undefined;
}

const environment = () => sandboxEnvironment(new SandboxFolder(sandbox.path), sandbox.state);

/** Starts a command as `npm run sandbox -- exec` would, in a process group of its own. */
function start([command = "", ...args]: readonly string[], env: Record<string, string> = {}): ResultPromise {
  return execa(command, args, {
    cwd: repository,
    env: { ...environment(), ...env },
    extendEnv: false,
    reject: false,
    all: true,
    stdin: "ignore",
    detached: true,
    timeout: 5 * 60_000,
  });
}

async function run(command: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  const { all, exitCode } = await start(command, env);
  return { all: String(all), exitCode };
}

/** Runs a command that must succeed. */
async function must(...command: readonly string[]): Promise<string> {
  const { all, exitCode } = await run(command);
  assert.equal(exitCode, 0, `${command.join(" ")}\n${all}`);
  return all;
}

const kubectl = (...args: readonly string[]) => must("kubectl", "--namespace", namespace, ...args);

const secrets = () =>
  ["gitlabToken", "minioPassword", "kubernetesToken", "passphrase"].map((name) => sandbox.state.secrets[name] ?? "");

/** Runs `npm run doctor -- --stack sandbox --fix`, less npm, and sees to it that no secret is in what it prints. */
async function fix(args: readonly string[] = ["--yes"], env: Record<string, string> = {}): Promise<Run> {
  const doctor = [process.execPath, "tools/doctor.ts", "--stack", "sandbox", "--fix", "--grace", "0", ...args];
  const result = await run(doctor, env);
  for (const secret of [...secrets(), ...Object.values(await credentials())].filter((text) => text.length > 7)) {
    assert.ok(!result.all.includes(secret), "a secret is printed");
  }
  return result;
}

/** All that the manager's Secrets hold. */
async function credentials(): Promise<Record<string, string>> {
  const { items } = JSON.parse(await kubectl("get", "secrets", "--output", "json")) as {
    items: { type: string; data?: Record<string, string> }[];
  };
  const held = items.filter(({ type }) => type === "Opaque").flatMap(({ data = {} }) => Object.entries(data));
  return Object.fromEntries(held.map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
}

/** Runs the one command, which must leave nothing that it could fix; then Pulumi has nothing to do, and a job succeeds. */
async function isFixed(): Promise<string> {
  const { all, exitCode } = await fix();
  assert.equal(exitCode, 0, all);
  await must("pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive");
  const job = await sandbox.command("job");
  assert.equal(job.exitCode, 0, job.all);
  return all;
}

/** Runs the one command where it must do nothing, not even to the state. */
async function touchesNothing(expected: RegExp, args?: readonly string[], env?: Record<string, string>): Promise<void> {
  const version = async () => JSON.parse(await must("pulumi", "stack", "export")) as { deployment: object };
  const resources = async () => JSON.stringify({ ...(await version()).deployment, manifest: undefined });
  const before = await resources();
  const { all, exitCode } = await fix(args, env);
  assert.match(all, expected);
  assert.equal(exitCode, 2, all);
  assert.equal(await resources(), before);
}

const lock = () => join(sandbox.path, "pulumi-state/.pulumi/locks/organization/gitlab-runner/sandbox/of-another.json");

function writeLock(host: string, pid: number): void {
  mkdirSync(dirname(lock()), { recursive: true });
  const timestamp = "2026-11-24T17:00:00Z";
  writeFileSync(lock(), JSON.stringify({ pid, username: "someone", hostname: host, timestamp }));
}

async function runnerId(): Promise<number> {
  return Number(JSON.parse(await must("pulumi", "stack", "output", "--json", "runnerId")));
}

/** Waits for something to be so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await isSo())) {
    assert.ok(Date.now() < end, "it has not come so far within a minute");
    await sleep(200);
  }
}

/** Runs a command until something is so, and kills it and all that it has started. */
async function killed(command: readonly string[], isSo: () => Promise<boolean>): Promise<void> {
  const running = start(command);
  try {
    await until(isSo);
  } finally {
    kill(await familyOf(running.pid ?? 0));
    await running;
  }
}

const isPending = (status: string) => async () =>
  (await kubectl("get", "secrets", "--selector", `status=${status}`, "--output", "name")) !== "";

const control = () => new EmulatorControl(gitlabUrl(sandbox.state), sandbox.state.secrets["emulatorToken"] ?? "");

describe("npm run doctor -- --fix", { timeout: 15 * 60_000 }, () => {
  before(async () => {
    const { all, exitCode } = await sandbox.command("up");
    assert.equal(exitCode, 0, all);
  });
  after(async () => {
    await sandbox.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  test("changes nothing if it lacks permissions, cannot work, or there is nobody to ask", async () => {
    await touchesNothing(/there is no terminal\.\n.*--fix --yes\nNothing was changed\.$/, []);
    await touchesNothing(/^There is no stack nowhere\./, ["--stack", "nowhere", "--yes"]);
    await touchesNothing(/incorrect passphrase/, ["--yes"], { PULUMI_CONFIG_PASSPHRASE: "another" });
    writeLock("another-machine", process.pid);
    await touchesNothing(/someone@another-machine, process \d+, since 2026-11-24T17:00:00Z[^]*Nothing was changed/);
    assert.ok(existsSync(lock()), "the lock of a machine that this one cannot see is still there");
    rmSync(lock());
    await sandbox.gitlab.Runners.edit(await runnerId(), { paused: true });
    const token = "glpat-that-may-only-look";
    await control().addAccessToken({ token, username: "homelab", scopes: ["read_api", "create_runner"] });
    await touchesNothing(
      /You lack permissions to fix it\.\nGitLab's access token has the scopes read_api, create_runner; it needs api\./,
      ["--yes"],
      { GITLAB_TOKEN: token },
    );
  });

  test("puts back what was changed by hand in GitLab and Kubernetes, and takes what was left behind", async () => {
    const id = await runnerId();
    const api = sandbox.gitlab;
    await api.Runners.edit(id, { paused: true, tagList: ["fast"] });
    await must("pulumi", "config", "set", "--path", "extraProjects[0]", String(otherProject.id));
    await api.Runners.enable(otherProject.id, id);
    const double = await api.Users.createCIRunner("project_type", {
      projectId: ownProject.id,
      description: "k8s-homelab-runner",
      tagList: ["kubernetes"],
    });
    await kubectl("scale", "deployment", "gitlab-runner", "--replicas", "0");
    await kubectl("patch", "role", "gitlab-runner", "--type", "json", "--patch", '[{"op":"remove","path":"/rules/1"}]');
    const file = join(scratch, "pod.json");
    writeFileSync(file, JSON.stringify(orphanedJobPod));
    await kubectl("apply", "--filename", file);
    await kubectl("create", "secret", "generic", "runner-def-project-1-concurrent-1-x2");
    const gone = start(["true"]);
    await gone;
    writeLock(hostname(), gone.pid ?? 0);
    await sleep(1_500);

    const said = await isFixed();
    assert.match(said, /Remove the lock of a pulumi process that no longer runs\.[^]*✔ Done\./);
    assert.match(said, /It was enabled by hand for 75488735, so pulumi up fails with 400 runner_error\./);
    assert.match(said, /The Deployment gitlab-runner was changed: spec\.replicas/);
    assert.match(said, new RegExp(`Delete runner #${double.id} .*\\n– Not done\\. It may belong to someone else`));
    const all = await api.Runners.all({ projectId: ownProject.id });
    assert.deepEqual(
      all.map((runner) => runner.id).toSorted((a, b) => a - b),
      [id, double.id],
    );
    const left = await kubectl("get", "pods,secrets", "--output", "name");
    assert.doesNotMatch(left, /runner-(abc|def)-/);
  });

  test("restores what was deleted: bucket, user, policy, runner, Deployment, and a release that Helm left unfinished", async () => {
    const before = await credentials();
    const key = before["accesskey"] ?? "";
    const policy =
      /^gitlab-runner-cache-policy\S*/m.exec(await must("mc", "admin", "policy", "list", "minio"))?.[0] ?? "";
    await must("mc", "admin", "policy", "detach", "minio", policy, "--user", key);
    await must("mc", "admin", "policy", "remove", "minio", policy);
    await must("mc", "admin", "user", "remove", "minio", key);
    await must("mc", "rb", "--force", "minio/gitlab-runner-cache");
    const id = await runnerId();
    await sandbox.gitlab.Runners.disable(otherProject.id, id);
    await sandbox.gitlab.Runners.remove({ runnerId: id });
    await kubectl("cordon", "polycephala");
    await killed(
      ["helm", "upgrade", "gitlab-runner", "gitlab-runner", "--repo", charts(), "--version", "0.86.0"].concat(
        ...["--namespace", namespace, "--reuse-values", "--set", "podAnnotations.probe=x", "--wait"],
      ),
      isPending("pending-upgrade"),
    );
    await kubectl("uncordon", "polycephala");
    await kubectl("delete", "deployment", "gitlab-runner");

    const said = await isFixed();
    assert.match(said, /helm rollback gitlab-runner \d+ --namespace gitlab-runner/);
    const now = await credentials();
    assert.equal(now["accesskey"], key, "the same user has come back");
    assert.equal(now["secretkey"], before["secretkey"]);
    assert.notEqual(now["runner-token"], before["runner-token"]);
    const backup = /Backup of the state: (\S+)/.exec(said)?.[1] ?? "none";
    assert.match(readFileSync(backup, "utf8"), /"ciphertext"/);
  });

  test("replaces credentials that no longer work, if restoring the Secrets does not help", async () => {
    const before = await credentials();
    const response = await fetch(
      `${gitlabUrl(sandbox.state)}/api/v4/runners/${await runnerId()}/reset_authentication_token`,
      { method: "POST", headers: { "private-token": sandbox.state.secrets["gitlabToken"] ?? "" } },
    );
    assert.ok(response.ok);
    await must("mc", "admin", "user", "add", "minio", before["accesskey"] ?? "", "another-secret-key");
    await must("mc", "ilm", "rule", "rm", "--all", "--force", "minio/gitlab-runner-cache");

    const said = await isFixed();
    assert.match(said, /Replace the runner in GitLab with one that has a new token/);
    assert.match(said, /Replace the cache's user in MinIO with one that has new keys/);
    const now = await credentials();
    assert.notEqual(now["accesskey"], before["accesskey"]);
    const users = await must("mc", "admin", "user", "list", "minio");
    assert.ok(!users.includes(before["accesskey"] ?? ""), "the old user is gone");
  });

  test("finishes a first deployment that was killed while Helm was running, and does not interfere while it runs", async () => {
    await must("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive");
    await must("kubectl", "cordon", "polycephala");
    await killed(["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"], async () => {
      const pending = await run(
        ["kubectl", "--namespace", namespace, "get", "secrets", "--output", "name", "--selector"].concat(
          "status=pending-install",
        ),
      );
      if (pending.exitCode !== 0 || pending.all === "") {
        return false;
      }
      const { all, exitCode } = await fix();
      assert.equal(exitCode, 2, all);
      assert.match(
        all,
        /^Another pulumi process is working on the stack: \S+@\S+, process \d+, since \S+\.\nNothing was changed\.$/,
      );
      return true;
    });
    await must("kubectl", "uncordon", "polycephala");
    const { all } = await run([process.execPath, "tools/doctor.ts", "--stack", "sandbox"]);
    assert.match(all, /^The stack sandbox is not deployed, or not completely\.\n[^]*--fix$/);

    const said = await isFixed();
    assert.match(said, /helm uninstall gitlab-runner --namespace gitlab-runner/);
    assert.match(said, /Clear the interrupted operations\./);
    const runners = await sandbox.gitlab.Runners.all({ projectId: ownProject.id });
    assert.equal(runners.filter(({ description }) => description === "k8s-homelab-runner").length, 2, "and its double");
    assert.equal((await must("mc", "admin", "user", "list", "minio")).trim().split("\n").length, 1);
  });
});

/** Address of the sandbox's chart repository. */
function charts(): string {
  return `http://127.0.0.1:${sandbox.state.ports["charts"] ?? 0}`;
}
