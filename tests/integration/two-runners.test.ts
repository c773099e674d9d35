import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stringify } from "yaml";
import { gitlabUrl } from "../../sandbox/environment.ts";
import { repository } from "../../tools/repository.ts";
import { SandboxUnderTest } from "./sandbox-under-test.ts";

const example = join(repository, "examples/two-runners");

describe("two runners in one stack, deployed beside a third", { timeout: 15 * 60_000 }, () => {
  const sandbox = new SandboxUnderTest();
  // `stack init` writes its salt beside Pulumi.yaml, so it gets one outside the checkout.
  const folder = mkdtempSync(join(tmpdir(), "two-runners-"));
  const config = join(folder, "Pulumi.two.yaml");

  before(async () => {
    const { all, exitCode } = await sandbox.command("up");
    assert.equal(exitCode, 0, all);
    copyFileSync(join(example, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
    await sandbox.exec(
      ...["env", "--unset=PULUMI_OPTION_CONFIG_FILE", "--unset=PULUMI_STACK"],
      "pulumi",
      "--cwd",
      folder,
      ...["stack", "init", "two"],
    );
    const server = sandbox.minio;
    appendFileSync(
      config,
      stringify({
        config: {
          "two-runners:projectId": 75488734,
          "two-runners:gitlabUrl": gitlabUrl(sandbox.state),
          "two-runners:cache": { server, deleteWithStack: true },
          "two-runners:chart": { repository: `http://127.0.0.1:${sandbox.state.ports["charts"] ?? 0}` },
          "gitlab:baseUrl": `${gitlabUrl(sandbox.state)}/api/v4/`,
          "minio:minioServer": server,
          "minio:minioSsl": "false",
          "kubernetes:context": "sandbox",
        },
      }),
    );
  });
  after(async () => {
    await sandbox.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  async function pulumi(...args: string[]): Promise<string> {
    const environment = ["env", "PULUMI_STACK=two", `PULUMI_OPTION_CONFIG_FILE=${config}`];
    const flags = ["--yes", "--skip-preview", "--non-interactive"];
    return sandbox.exec(...environment, "pulumi", "--cwd", example, ...args, ...flags);
  }

  /** @returns `namespace/name` of what has one of the two runners' names */
  async function ofBoth(kind: string): Promise<string[]> {
    const { items } = await sandbox.kubectl<{ items: { metadata: { namespace?: string; name: string } }[] }>(
      ...["get", kind, "--all-namespaces"],
    );
    return items
      .map(({ metadata: { namespace = "", name } }) => `${namespace}/${name}`)
      .filter((name) => /linux-runner|gpu-runner/.test(name))
      .toSorted();
  }

  test("come up, stay as they are and go, without a clash of names", async () => {
    await pulumi("up");
    assert.deepEqual(await ofBoth("deployments"), ["gpu-jobs/gpu-runner", "linux-runner/linux-runner"]);
    const ids = (await sandbox.gitlab.Runners.all({ projectId: 75488734 })).map(({ id }) => id);
    assert.equal(ids.length, 3, "runners in GitLab");
    const buckets = await sandbox.exec("mc", "ls", "minio");
    assert.match(buckets, /gpu-runner-cache\/[^]*linux-runner-cache\//);

    await pulumi("up", "--expect-no-changes");
    await pulumi("refresh", "--expect-no-changes");
    await pulumi("destroy");
    assert.deepEqual(await ofBoth("secrets"), []);
    assert.doesNotMatch(await sandbox.exec("mc", "ls", "minio"), /(gpu|linux)-runner-cache/);
    const { items } = await sandbox.kubectl("get", "deployments", "--namespace", "gitlab-runner");
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      ["gitlab-runner"],
    );
  });
});
