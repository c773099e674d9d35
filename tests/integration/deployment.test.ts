import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Client } from "minio";
import { parse } from "smol-toml";
import { gitlabUrl } from "../../sandbox/environment.ts";
import { isRunning } from "../../sandbox/servers.ts";
import { SandboxUnderTest } from "./sandbox-under-test.ts";

const sandbox = new SandboxUnderTest();
const project = 75488734;
const namespace = "gitlab-runner";

/** Data of a Secret that the stack's outputs name, decoded. */
async function secretData(output: "tokenSecret" | "cacheSecret"): Promise<Record<string, string>> {
  const secret = await sandbox.kubectl<{ data: Record<string, string> }>(
    ...["--namespace", namespace, "get", "secret", String((await sandbox.outputs())[output])],
  );
  return Object.fromEntries(
    Object.entries(secret.data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
  );
}

async function runnerId(): Promise<number> {
  return Number((await sandbox.outputs())["runnerId"]);
}

async function runner() {
  const details = await sandbox.gitlab.Runners.show(await runnerId());
  return details as typeof details & { tag_list: string[]; projects: { id: number }[] };
}

/** What `pulumi up` did to resources of a provider: `created gitlab:index:UserRunner`. */
function changes(output: string): string[] {
  const done = output.matchAll(/^ *[-+~]+ +(?<type>\S+) \S+ (?<what>created|updated|deleted|replaced)\b/gm);
  return [...done]
    .map(({ groups = {} }) => `${groups["what"] ?? ""} ${groups["type"] ?? ""}`)
    .filter((change) => !/ (gitlab-runner:|pulumi:)/.test(change));
}

async function cacheClient(): Promise<Client> {
  const { accesskey = "", secretkey = "" } = await secretData("cacheSecret");
  const [endPoint = "", port] = sandbox.minio.split(":");
  return new Client({
    endPoint,
    port: Number(port),
    useSSL: false,
    accessKey: accesskey,
    secretKey: secretkey,
    region: "us-east-1",
  });
}

describe("the homelab's stack, deployed", { timeout: 30 * 60_000 }, () => {
  let firstUp = "";

  before(async () => {
    const { all, exitCode } = await sandbox.command("up");
    assert.equal(exitCode, 0, all);
    firstUp = all;
  });
  after(() => sandbox.remove());

  test("shows what was made, and what to try next", () => {
    for (const expected of [
      "k8s-homelab-runner",
      "kubernetes, homelab",
      "homelab/infrastructure",
      "gitlab-runner-credentials-token-",
      "deployed",
      "Try next",
    ]) {
      assert.ok(firstUp.includes(expected), `${expected} is not in:\n${firstUp}`);
    }
  });

  test("is a runner in GitLab", async () => {
    const found = await runner();
    assert.equal(found.description, "k8s-homelab-runner");
    assert.equal(found.runner_type, "project_type");
    assert.deepEqual(found.tag_list, ["kubernetes", "homelab"]);
    assert.deepEqual(
      found.projects.map(({ id }) => id),
      [project],
    );
    assert.equal(found.paused, false);
  });

  test("keeps jobs from the cloud's metadata service, by a policy that the API server has accepted", async () => {
    const { spec } = await sandbox.kubectl<{
      spec: { egress: { to?: { ipBlock?: { except?: string[] } }[] }[] };
    }>("--namespace", namespace, "get", "networkpolicy", "jobs");
    const closed = spec.egress.flatMap(({ to = [] }) => to).flatMap(({ ipBlock }) => ipBlock?.except ?? []);
    assert.ok(
      ["169.254.169.254/32", "fd00:ec2::254/128"].every((range) => closed.includes(range)),
      closed.join(),
    );
  });

  test("is a namespace with Linkerd, and Secrets that hold what GitLab and MinIO gave", async () => {
    const { metadata } = await sandbox.kubectl<{ metadata: { labels: object; annotations: object } }>(
      "get",
      "namespace",
      namespace,
    );
    assert.partialDeepStrictEqual(metadata, {
      labels: { "linkerd.io/inject": "enabled", "pod-security.kubernetes.io/enforce": "privileged" },
      annotations: { "linkerd.io/inject": "enabled" },
    });
    const token = await secretData("tokenSecret");
    assert.equal(token["runner-registration-token"], "");
    assert.match(token["runner-token"] ?? "", /^glrt-t3_[\w-]{20,}$/);
    const verified = await fetch(`${gitlabUrl(sandbox.state)}/api/v4/runners/verify`, {
      method: "POST",
      body: new URLSearchParams({ token: token["runner-token"] ?? "" }),
    });
    assert.equal(verified.status, 200, "GitLab knows the token");
    const keys = await secretData("cacheSecret");
    assert.match(keys["accesskey"] ?? "", /^[A-Z0-9]{20}$/);
    assert.match(keys["secretkey"] ?? "", /^[A-Za-z0-9]{40}$/);
  });

  test("is a manager pod on its node, with the configured limits, and a configuration without credentials", async () => {
    const pods = await sandbox.kubectl<{
      items: { spec: Record<string, unknown>; status: { phase: string }; metadata: { annotations: object } }[];
    }>("--namespace", namespace, "get", "pods", "--selector", "app=gitlab-runner");
    assert.equal(pods.items.length, 1);
    assert.equal(pods.items[0]?.status.phase, "Running");
    assert.partialDeepStrictEqual(pods.items[0], {
      metadata: { annotations: { "linkerd.io/inject": "enabled" } },
      spec: {
        nodeName: "polycephala",
        serviceAccountName: "gitlab-runner",
        containers: [
          { resources: { limits: { cpu: "200m", memory: "256Mi" }, requests: { cpu: "100m", memory: "128Mi" } } },
        ],
      },
    });
    const config = await sandbox.kubectl<{ data: Record<string, string> }>(
      "--namespace",
      namespace,
      "get",
      "configmap",
      "gitlab-runner",
    );
    const template = config.data["config.template.toml"] ?? "";
    assert.partialDeepStrictEqual(JSON.parse(JSON.stringify(parse(template))), {
      runners: [
        { kubernetes: { service_account: "gitlab-runner-job" }, cache: { s3: { ServerAddress: sandbox.minio } } },
      ],
    });
    const keys = await secretData("cacheSecret");
    assert.ok(!JSON.stringify(config.data).includes(keys["secretkey"] ?? "-"), "the secret key is in the ConfigMap");
  });

  test("does not change on a second up", async () => {
    const { all, exitCode } = await sandbox.command("up");
    assert.equal(exitCode, 0, all);
    await sandbox.exec("pulumi", "up", "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive");
  });

  test("shows no drift on refresh", async () => {
    await sandbox.exec("pulumi", "refresh", "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive");
    await sandbox.exec("pulumi", "preview", "--expect-no-changes", "--non-interactive");
  });

  test("changes one project's enablement and nothing else when one is added or removed", async () => {
    await sandbox.exec("pulumi", "config", "set", "--path", "extraProjects[0]", "75488735");
    const added = await sandbox.exec("pulumi", "up", "--yes", "--skip-preview", "--non-interactive");
    assert.deepEqual(changes(added), ["created gitlab:index:ProjectRunnerEnablement"], added);
    assert.deepEqual(
      (await runner()).projects.map(({ id }) => id),
      [project, 75488735],
    );
    assert.deepEqual((await sandbox.outputs())["enabledProjects"], ["75488735"]);

    await sandbox.exec("pulumi", "config", "rm", "extraProjects");
    const removed = await sandbox.exec("pulumi", "up", "--yes", "--skip-preview", "--non-interactive");
    assert.deepEqual(changes(removed), ["deleted gitlab:index:ProjectRunnerEnablement"], removed);
    assert.deepEqual(
      (await runner()).projects.map(({ id }) => id),
      [project],
    );
  });

  test("changes a tag in place", async () => {
    const id = await runnerId();
    await sandbox.exec("pulumi", "config", "set", "--path", "tags[1]", "fast");
    const output = await sandbox.exec("pulumi", "up", "--yes", "--skip-preview", "--non-interactive");
    assert.deepEqual(changes(output), ["updated gitlab:index:UserRunner"], output);
    assert.equal(await runnerId(), id);
    assert.deepEqual((await runner()).tag_list, ["kubernetes", "fast"]);
  });

  test("rotates token and keys without a gap, and restarts the manager with them", async () => {
    const id = await runnerId();
    const token = await secretData("tokenSecret");
    const keys = await secretData("cacheSecret");
    await sandbox.exec("pulumi", "config", "set", "rotation", "2026-11");
    await sandbox.exec("pulumi", "up", "--yes", "--skip-preview", "--non-interactive");
    assert.notEqual(await runnerId(), id);
    assert.notEqual((await secretData("tokenSecret"))["runner-token"], token["runner-token"]);
    assert.notEqual((await secretData("cacheSecret"))["secretkey"], keys["secretkey"]);
    await assert.rejects(sandbox.gitlab.Runners.show(id), "the old runner is gone");
    const client = await cacheClient();
    await client.putObject("gitlab-runner-cache", "probe-after-rotation", "x");
  });

  test("runs a job, whose cache the next one finds in MinIO", async () => {
    const first = await sandbox.command("job");
    assert.equal(first.exitCode, 0, first.all);
    assert.match(first.stdout, /The cache is empty/);
    assert.match(first.stdout, /Job succeeded/);
    const second = await sandbox.command("job");
    assert.equal(second.exitCode, 0, second.all);
    assert.match(second.stdout, /The cache has what job \d+ has fetched/);
    assert.match(second.stdout, /Job succeeded/);
    const pods = await sandbox.kubectl("--namespace", namespace, "get", "pods");
    assert.deepEqual(
      pods.items.filter(({ metadata }) => metadata.name.startsWith("runner-")),
      [],
    );
    const objects = await sandbox.exec("mc", "ls", "--recursive", "minio/gitlab-runner-cache");
    assert.match(objects, new RegExp(`project/${project}/`));
  });

  test("refuses a bad configuration before anything changes", async () => {
    await sandbox.exec("pulumi", "config", "set", "locked", "true");
    await sandbox.exec("pulumi", "config", "set", "--path", "extraProjects[0]", "75488735");
    const { all, exitCode } = await sandbox.command(
      "exec",
      "--",
      "pulumi",
      "up",
      "--yes",
      "--skip-preview",
      "--non-interactive",
    );
    assert.notEqual(exitCode, 0);
    assert.match(all, /locked: must be false with extraProjects[^]*, but is true\n +pulumi config set locked false/);
    assert.deepEqual(changes(all), []);
    await sandbox.exec("pulumi", "config", "rm", "locked");
    await sandbox.exec("pulumi", "config", "rm", "extraProjects");
  });

  test("names the address and the key of a server that it cannot reach", async () => {
    const server = sandbox.minio;
    await sandbox.exec("pulumi", "config", "set", "minio:minioServer", "127.0.0.1:9");
    const { all, exitCode } = await sandbox.command(
      "exec",
      "--",
      "pulumi",
      "up",
      "--yes",
      "--skip-preview",
      "--non-interactive",
    );
    assert.notEqual(exitCode, 0);
    assert.match(all, /MinIO at http:\/\/127\.0\.0\.1:9 \(from minio:minioServer\): ECONNREFUSED/);
    await sandbox.exec("pulumi", "config", "set", "minio:minioServer", server);
  });

  test("leaves nothing when destroyed", async () => {
    const id = await runnerId();
    await sandbox.exec("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive");
    await assert.rejects(sandbox.gitlab.Runners.show(id));
    const namespaces = await sandbox.kubectl("get", "namespaces");
    assert.ok(!namespaces.items.some(({ metadata }) => metadata.name === namespace));
    const buckets = await sandbox.exec("mc", "ls", "minio");
    assert.doesNotMatch(buckets, /gitlab-runner-cache/);
    assert.equal((await sandbox.exec("mc", "admin", "user", "list", "minio")).trim(), "");
    assert.doesNotMatch(await sandbox.exec("mc", "admin", "policy", "list", "minio"), /gitlab-runner-cache/);
    const { deployment } = JSON.parse(await sandbox.exec("pulumi", "stack", "export")) as {
      deployment: { resources?: unknown[] };
    };
    assert.deepEqual(deployment.resources?.slice(1) ?? [], []);
  });

  test("is gone after down: no process, no file", async () => {
    const { servers, extraFolders } = sandbox.state;
    assert.ok(servers.length >= 7);
    const stateFile = `${sandbox.path}/state.json`;
    assert.match(readFileSync(stateFile, "utf8"), /kube-apiserver/);
    const { exitCode, all } = await sandbox.command("down");
    assert.equal(exitCode, 0, all);
    assert.deepEqual(servers.filter(isRunning), []);
    assert.ok(![sandbox.path, `${sandbox.path}.lock`, ...extraFolders].some((path) => existsSync(path)));
  });
});
