import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { authorityFile } from "../../sandbox/environment.ts";
import { ownProject } from "../../sandbox/gitlab-seed.ts";
import { SandboxFolder } from "../../sandbox/sandbox-folder.ts";
import { repository } from "../../tools/repository.ts";
import { caCertificate } from "../unit/config-arbitrary.ts";
import { CredentialsWatch } from "./credentials-watch.ts";
import { SandboxUnderTest } from "./sandbox-under-test.ts";

const namespace = "gitlab-runner";

/**
 * Deploys a change of credentials, deletes the manager's pod meanwhile, and sees that it never lacks any.
 * @returns what its pods have mounted
 */
async function deployWatched(t: TestContext, sandbox: SandboxUnderTest, bucket: string): Promise<readonly string[]> {
  const watch = await CredentialsWatch.start(sandbox, bucket);
  await Promise.all([
    sandbox.exec("pulumi", "up", "--yes", "--skip-preview", "--non-interactive"),
    deletePodDuring(sandbox),
  ]);
  // While pods are still being replaced.
  await sleep(1_000);
  const { violations, looks, longestGap, mounted } = await watch.end();
  t.diagnostic(`${looks} looks, at most ${Math.round(longestGap)} ms apart`);
  assert.deepEqual(violations, []);
  assert.ok(looks > 100, `only ${looks} looks`);
  const { items } = await sandbox.kubectl<{ items: { status: { conditions: { type: string; status: string }[] } }[] }>(
    ...["--namespace", namespace, "get", "pods", "--selector", "app=gitlab-runner"],
  );
  assert.deepEqual(
    items.map(({ status }) => status.conditions.find(({ type }) => type === "Ready")?.status),
    ["True"],
  );
  return mounted;
}

/** Deletes the manager's pod as soon as a new Secret or ConfigMap shows that the deployment is in its midst. */
async function deletePodDuring(sandbox: SandboxUnderTest): Promise<void> {
  const names = async () =>
    (await sandbox.exec("kubectl", "--namespace", namespace, "get", "secrets,configmaps", "--output", "name")).split(
      "\n",
    );
  const first = await names();
  for (let tries = 0; tries < 100; tries++) {
    if ((await names()).some((name) => !first.includes(name))) {
      await sandbox.exec(
        ...["kubectl", "--namespace", namespace, "delete", "pod", "--selector", "app=gitlab-runner", "--wait=false"],
      );
      return;
    }
  }
  throw new Error("no new Secret or ConfigMap was made");
}

/** The Secrets of a name, which Pulumi has added digits to. */
function secrets(mounted: readonly string[], prefix: string): string[] {
  return mounted.filter((name) => name.startsWith(`Secret ${prefix}-`));
}

describe("credentials that change", { timeout: 20 * 60_000 }, () => {
  describe("of a runner and a cache that the stack has made", () => {
    const sandbox = new SandboxUnderTest();
    before(async () => {
      const { all, exitCode } = await sandbox.command("up");
      assert.equal(exitCode, 0, all);
    });
    after(() => sandbox.remove());

    test("rotation: the manager always has a token and keys that are accepted", async (t) => {
      await sandbox.exec("pulumi", "config", "set", "rotation", "2026-11");
      const mounted = await deployWatched(t, sandbox, "gitlab-runner-cache");
      assert.equal(secrets(mounted, "gitlab-runner-credentials-token").length, 2, mounted.join(", "));
      assert.equal(secrets(mounted, "gitlab-runner-credentials-cache").length, 2, mounted.join(", "));
      const users = (await sandbox.exec("mc", "admin", "user", "list", "minio")).trim().split("\n");
      assert.equal(users.length, 1, "the old user is gone");
    });

    test("rotation: a job in progress goes on to its end, without storing its cache", async () => {
      // Where commands of jobs may look, too: they run as another user.
      const open = mkdtempSync(join(tmpdir(), "gitlab-runner-test-"));
      chmodSync(open, 0o755);
      const go = join(open, "go");
      const job = join(open, "long.gitlab-ci.yml");
      const wait = `for i in $(seq 600); do test -e ${go} && break; sleep 0.5; done; test -e ${go}`;
      const script = ["mkdir folder", wait, "echo ended"];
      writeFileSync(
        job,
        JSON.stringify({ long: { tags: ["kubernetes"], cache: { key: "long", paths: ["folder"] }, script } }),
      );
      const running = sandbox.command("job", job);
      await jobIsRunning(sandbox);
      const { runnerId } = await sandbox.outputs();
      await sandbox.exec("pulumi", "config", "set", "rotation", "during-a-job");
      await sandbox.exec("pulumi", "up", "--yes", "--skip-preview", "--non-interactive");
      await assert.rejects(sandbox.gitlab.Runners.show(Number(runnerId)), "its runner is gone");
      writeFileSync(go, "");
      const { all, exitCode } = await running;
      rmSync(open, { recursive: true });
      assert.equal(exitCode, 0, all);
      assert.match(all, /ended[\s\S]*Job succeeded/);
      assert.doesNotMatch(await sandbox.exec("mc", "ls", "--recursive", "minio/gitlab-runner-cache"), /long/);
    });

    test("caCertificate: the manager always has the old certificates or the new", async (t) => {
      const folder = new SandboxFolder(sandbox.path);
      const own = readFileSync(authorityFile(folder), "utf8");
      const file = join(sandbox.path, "certificates.pem");
      for (const certificates of [own, `${own}${caCertificate}`]) {
        writeFileSync(file, certificates);
        await sandbox.exec("sh", "-c", `pulumi config set caCertificate < ${file}`);
        const mounted = await deployWatched(t, sandbox, "gitlab-runner-cache");
        assert.equal(secrets(mounted, "gitlab-runner-trust-manager").length, certificates === own ? 1 : 2);
      }
    });
  });

  describe("of a runner and a store that are not the stack's", () => {
    const sandbox = new SandboxUnderTest();
    const bucket = "example-ci-cache";
    before(async () => {
      const { all, exitCode } = await sandbox.command(
        "up",
        "--stack",
        join(repository, "examples/Pulumi.existing.yaml"),
      );
      assert.equal(exitCode, 0, all);
    });
    after(() => sandbox.remove());

    /** By a file, as arguments are everyone's to read. */
    async function setSecret(key: string, value: string): Promise<void> {
      const file = join(sandbox.path, "secret");
      writeFileSync(file, value, { mode: 0o600 });
      await sandbox.exec("sh", "-c", `pulumi config set --secret --path ${key} < ${file}`);
    }

    test("runnerToken: the manager always has one that GitLab accepts", async (t) => {
      const { token } = await sandbox.gitlab.Users.createCIRunner("project_type", {
        projectId: ownProject.id,
        description: "another",
        tagList: ["kubernetes"],
      });
      await setSecret("runnerToken", token);
      const mounted = await deployWatched(t, sandbox, bucket);
      assert.equal(secrets(mounted, "gitlab-runner-credentials-token").length, 2, mounted.join(", "));
      assert.equal(secrets(mounted, "gitlab-runner-credentials-cache").length, 1, mounted.join(", "));
    });

    test("cache.credentials: the manager always has keys that MinIO accepts", async (t) => {
      const secretKey = randomBytes(20).toString("hex");
      await sandbox.exec("mc", "admin", "user", "add", "minio", "another-user", secretKey);
      await sandbox.exec("mc", "admin", "policy", "attach", "minio", "readwrite", "--user", "another-user");
      await setSecret("cache.credentials.accessKey", "another-user");
      await setSecret("cache.credentials.secretKey", secretKey);
      const mounted = await deployWatched(t, sandbox, bucket);
      assert.equal(secrets(mounted, "gitlab-runner-credentials-cache").length, 2, mounted.join(", "));
    });
  });
});

/** Waits until a pod of a job is there. */
async function jobIsRunning(sandbox: SandboxUnderTest): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    const selector = ["--selector", "job.runner.gitlab.com/pod", "--output", "name"];
    if ((await sandbox.exec("kubectl", "--namespace", namespace, "get", "pods", ...selector)) !== "") {
      return;
    }
    await sleep(500);
  }
  throw new Error("no job has begun");
}
