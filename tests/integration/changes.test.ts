import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Client } from "minio";
import { SandboxUnderTest, type CommandResult } from "./sandbox-under-test.ts";

const sandbox = new SandboxUnderTest();
const stack = "pulumi:pulumi:Stack (gitlab-runner-sandbox)";
const warning = /^ *warning: (?!Undefined value)/m;

const pulumi = (...args: string[]): Promise<CommandResult> => sandbox.command("exec", "--", "pulumi", ...args);
const up = (...args: string[]) => pulumi("up", "--yes", "--skip-preview", "--non-interactive", ...args);

/** Runs `pulumi`, which must succeed. */
async function succeeds(running: Promise<CommandResult>): Promise<string> {
  const { all, exitCode } = await running;
  assert.equal(exitCode, 0, all);
  return all;
}

const set = (key: string, value: string) => succeeds(pulumi("config", "set", "--path", key, value));
const unset = (key: string) => succeeds(pulumi("config", "rm", "--path", key));
const preview = (...args: string[]) => succeeds(pulumi("preview", "--non-interactive", ...args));

async function runner() {
  const id = Number(await sandbox.exec("pulumi", "stack", "output", "runnerId"));
  // Gitbeaker's types lack the note.
  const found = (await sandbox.gitlab.Runners.show(id)) as unknown as Record<string, unknown>;
  return { id, description: found["description"], note: found["maintenance_note"], timeout: found["maximum_timeout"] };
}

async function cacheKeys() {
  const name = String((await sandbox.outputs())["cacheSecret"]);
  const { data } = await sandbox.kubectl<{ data: Record<string, string> }>(
    ...["--namespace", "gitlab-runner", "get", "secret", name],
  );
  const key = (name: string) => Buffer.from(data[name] ?? "", "base64").toString();
  return { accessKey: key("accesskey"), secretKey: key("secretkey") };
}

function minioAddress() {
  const [endPoint = "", port] = sandbox.minio.split(":");
  return { endPoint, port: Number(port) };
}

describe("changes of the configuration", { timeout: 20 * 60_000 }, () => {
  before(async () => {
    await succeeds(sandbox.command("up"));
    // As it is without the sandbox, which would lose its caches with it.
    await unset("cache.deleteWithStack");
    await succeeds(up());
  });
  after(() => sandbox.remove());

  test("warn of nothing where there is none", async () => {
    assert.doesNotMatch(await preview("--expect-no-changes"), warning);
  });

  test("take description and note back from GitLab, and say how to take back the timeout", async () => {
    await set("maintenanceNote", "ask the platform team");
    await set("maximumTimeout", "3600");
    assert.doesNotMatch(await succeeds(up()), warning);
    const configured = await runner();
    assert.deepEqual(
      [configured.description, configured.note, configured.timeout],
      ["k8s-homelab-runner", "ask the platform team", 3600],
    );

    for (const key of ["description", "maintenanceNote", "maximumTimeout"]) {
      await unset(key);
    }
    const stays = `GitLab ends the jobs of runner ${configured.id} after 3600 seconds. maximumTimeout is not set`;
    assert.ok((await preview()).includes(stays));
    await succeeds(up());
    assert.deepEqual(await runner(), { id: configured.id, description: "", note: "", timeout: 3600 });

    // Not only once, but for as long as it is so; and no more once it is not.
    assert.ok((await preview("--expect-no-changes")).includes(stays));
    await sandbox.gitlab.Runners.edit(configured.id, { maximumTimeout: "" as unknown as number });
    await succeeds(up("--refresh"));
    assert.doesNotMatch(await preview("--expect-no-changes"), warning);
    assert.equal((await runner()).timeout, null);
  });

  test("warn of a timeout that somebody has set in GitLab, which a new runner does not have", async () => {
    const { id } = await runner();
    await sandbox.gitlab.Runners.edit(id, { maximumTimeout: 7200 });
    assert.match(await succeeds(up("--refresh")), new RegExp(`jobs of runner ${id} after 7200 seconds`));
    await set("rotation", "without-a-timeout");
    assert.doesNotMatch(await preview(), warning);
    await succeeds(up());
    const replaced = await runner();
    assert.notEqual(replaced.id, id);
    assert.equal(replaced.timeout, null);
  });

  test("warn of jobs and of a bucket that they would end, only then", async () => {
    await set("namespace", "elsewhere");
    await set("cache.bucket", "another-cache");
    const moved = await preview();
    assert.match(moved, /Changing namespace interrupts the running jobs in namespace gitlab-runner: the namespace is/);
    assert.match(moved, /Bucket gitlab-runner-cache will be deleted: if it has objects, MinIO refuses/);
    assert.ok(moved.includes(stack), "a warning of the stack");
    await set("namespace", "gitlab-runner");
    await set("cache.bucket", "gitlab-runner-cache");

    await set("jobs.namespace", "ci-jobs");
    const apart = await preview();
    assert.match(
      apart,
      /Changing jobs\.namespace interrupts .* in namespace gitlab-runner: the manager loses its permissions/,
    );
    assert.doesNotMatch(apart, /Bucket/);
    await unset("jobs.namespace");

    for (const key of ["accessKey", "secretKey"]) {
      await succeeds(pulumi("config", "set", "--secret", "--path", `cache.credentials.${key}`, "their-own-key"));
    }
    const theirs = await preview();
    assert.match(theirs, /Bucket gitlab-runner-cache will be deleted/);
    assert.doesNotMatch(theirs, /their-own-key/);
    await unset("cache.credentials");

    assert.doesNotMatch(await preview("--expect-no-changes"), warning);
  });

  test("move the caches below a prefix, for which alone the new policy gives keys", async () => {
    await set("cache.path", "gitlab.example.com/ci");
    assert.doesNotMatch(await succeeds(up()), warning);
    const keys = await cacheKeys();
    const store = new Client({ ...keys, ...minioAddress(), useSSL: false, region: "us-east-1" });
    const bucket = "gitlab-runner-cache";
    await store.putObject(bucket, "gitlab.example.com/ci/project/1/cache", "x");
    await assert.rejects(store.statObject(bucket, "gitlab.example.com/ci/missing"), { code: "NotFound" });
    await assert.rejects(store.putObject(bucket, "project/1/cache", "x"), { code: "AccessDenied" });
    await assert.rejects(store.putObject(bucket, "gitlab.example.com/ci-2/cache", "x"), { code: "AccessDenied" });
    await assert.rejects(store.listObjects(bucket, "", true).toArray(), { code: "AccessDenied" });
    assert.equal((await store.listObjects(bucket, "gitlab.example.com/ci/", true).toArray()).length, 1);

    assert.match(await succeeds(sandbox.command("job")), /Job succeeded/);
    assert.match(
      await sandbox.exec("mc", "ls", "--recursive", `minio/${bucket}`),
      /gitlab\.example\.com\/ci\/project\/75488734\//,
    );
    await unset("cache.path");
    await succeeds(up());
    await store.putObject(bucket, "project/1/cache", "x");
    await sandbox.exec("mc", "rm", "--recursive", "--force", `minio/${bucket}`);
  });

  test("leave a bucket with objects to its owner, or go on once it is empty", async () => {
    await sandbox.exec("mc", "cp", `${import.meta.dirname}/changes.test.ts`, "minio/gitlab-runner-cache/object");
    await set("cache.adopt", "true");
    assert.doesNotMatch(await succeeds(up()), warning);
    const rules = await sandbox.exec("mc", "--json", "ilm", "rule", "ls", "minio/gitlab-runner-cache");
    assert.match(rules, /"Days": ?14\b/, "objects of a bucket that changes hands still expire");
    await succeeds(pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive"));

    await unset("cache.adopt");
    const taken = await up();
    assert.notEqual(taken.exitCode, 0);
    assert.match(taken.all, /bucket already exists! \(gitlab-runner-cache\)/);
    await set("cache.adopt", "true");
    assert.doesNotMatch(await succeeds(up()), warning);

    await set("cache.bucket", "second-cache");
    await unset("cache.adopt");
    assert.doesNotMatch(await succeeds(up()), warning);
    assert.match(await sandbox.exec("mc", "ls", "minio/gitlab-runner-cache"), /object/);

    await sandbox.exec("mc", "cp", `${import.meta.dirname}/changes.test.ts`, "minio/second-cache/object");
    await set("cache.bucket", "third-cache");
    const refused = await up();
    assert.notEqual(refused.exitCode, 0);
    assert.match(
      refused.all,
      /Bucket second-cache will be deleted: if it has objects[^]*unable to remove bucket \(second-cache\).*is not empty/,
    );
    assert.equal((await sandbox.outputs())["cacheBucket"], "third-cache");
    await sandbox.exec("mc", "rm", "--recursive", "--force", "minio/second-cache");
    await succeeds(up());
    assert.doesNotMatch(await sandbox.exec("mc", "ls", "minio"), /second-cache/);
    assert.doesNotMatch(await preview("--expect-no-changes"), warning);
  });

  test("do not stand in the way of pulumi destroy, which runs no program", async () => {
    const { resources } = (
      JSON.parse(await sandbox.exec("pulumi", "stack", "export")) as {
        deployment: { resources: { type: string; resourceHooks?: Record<string, string[]> }[] };
      }
    ).deployment;
    const hooks = resources.find(({ type }) => type === "gitlab-runner:index:GitLabRunner")?.resourceHooks ?? {};
    assert.equal(Object.values(hooks).flat().length, 1);
    await succeeds(pulumi("destroy", "--yes", "--skip-preview", "--non-interactive"));
  });
});
