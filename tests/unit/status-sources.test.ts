import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { V1Pod } from "@kubernetes/client-node";
import { GitLabApi } from "../../tools/clients/gitlab.ts";
import { ObjectStore } from "../../tools/clients/object-store.ts";
import { providerSettings } from "../../tools/provider-settings.ts";
import { cacheConnection } from "../../tools/status/cache-source.ts";
import { podRows } from "../../tools/status/cluster-source.ts";
import { askGitLab } from "../../tools/status/gitlab-source.ts";
import { startServer, tokens } from "../sandbox/gitlab-test-server.ts";

const keys = { accessKey: "AKIA0123456789ABCDEF", secretKey: "0123456789abcdef0123456789abcdef01234567" };

test("GitLab: the runner with its managers and jobs, the newest first, and no token", async (t) => {
  const server = await startServer(t);
  const runner = await server.createRunner({ description: "mine", tag_list: "a,b", access_level: "ref_protected" });
  await server.createRunner({ description: "another" });
  await server.control.addJob({
    projectId: 1,
    name: "build",
    stage: "compile",
    script: ["true"],
    tags: ["a"],
    protected: true,
  });
  await server.control.addJob({ projectId: 1, name: "test", script: ["true"], tags: ["a"], protected: true });
  const jobs: { id: number; token: string }[] = [];
  for (const systemId of ["s_1", "s_2"]) {
    const json = { token: runner.token, system_id: systemId, info: { version: "18.9.0" } };
    jobs.push((await server.call("POST", "/jobs/request", { json })).body as { id: number; token: string });
  }
  const [build, other] = jobs;
  assert.ok(build && other);
  const text = "hello";
  await server.call("PATCH", `/jobs/${build.id}/trace`, {
    text,
    headers: { "Content-Range": `0-${text.length - 1}`, "JOB-TOKEN": build.token },
  });
  await server.call("PUT", `/jobs/${other.id}`, {
    json: { token: other.token, state: "failed", failure_reason: "script_failure" },
  });

  const gitlab = new GitLabApi(`${server.url}/api/v4`, tokens.dev);
  const part = await askGitLab(gitlab, runner.id);
  assert.partialDeepStrictEqual(part, {
    runner: {
      id: runner.id,
      description: "mine",
      type: "project_type",
      status: "online",
      paused: false,
      tags: ["a", "b"],
      projects: [{ id: 1, path: "homelab/one" }],
      protectedOnly: true,
    },
    jobs: [
      { id: other.id, name: "test", status: "failed", failureReason: "script_failure" },
      { id: build.id, name: "build", stage: "compile", ref: "main", status: "running", finishedAt: null },
    ],
  });
  assert.match(part.runner?.contactedAt ?? "", /^\d{4}-.*Z$/);
  assert.deepEqual(part.jobs[0]?.project, { id: 1, path: "homelab/one" });
  assert.deepEqual(part.runner?.managers.map(({ systemId, version, status }) => [systemId, version, status]).sort(), [
    ["s_1", "18.9.0", "online"],
    ["s_2", "18.9.0", "online"],
  ]);
  for (const secret of [runner.token, build.token, other.token, tokens.dev]) {
    assert.ok(!JSON.stringify(part).includes(secret));
  }
  assert.equal(await gitlab.trace(1, build.id), text);
  assert.equal(await gitlab.trace(1, other.id), "");
  await assert.rejects(gitlab.trace(2, build.id), /Not found/);
  await assert.rejects(new GitLabApi(gitlab.baseUrl, tokens.outsider).trace(1, build.id), /Forbidden/);

  await assert.rejects(askGitLab(gitlab, 999), /Runner Not Found|there is no runner #999/);
  await assert.rejects(askGitLab(new GitLabApi(gitlab.baseUrl, ""), runner.id), /there is no token: set GITLAB_TOKEN/);
});

test("pods, the newest first, with what they are for and why they wait", () => {
  const pod = (fields: object) => Object.assign(new V1Pod(), fields);
  const containers = (...ready: boolean[]) => ready.map((one) => ({ ready: one, restartCount: 2 }));
  const pods = podRows(
    [
      pod({
        metadata: { name: "gitlab-runner-1", namespace: "runner", deletionTimestamp: new Date() },
        spec: { containers: [{}] },
        status: { phase: "Running" },
      }),
      pod({
        metadata: {
          name: "runner-abc-project-7-concurrent-0-x",
          namespace: "jobs",
          annotations: { "job.runner.gitlab.com/id": "42", "job.runner.gitlab.com/name": "build" },
          labels: {
            "project.runner.gitlab.com/id": "7",
            "project.runner.gitlab.com/name": "website",
            "project.runner.gitlab.com/root-namespace": "homelab",
          },
          creationTimestamp: new Date("2026-11-24T08:00:00Z"),
        },
        spec: { nodeName: "polycephala", containers: [{}, {}] },
        status: { phase: "Running", containerStatuses: containers(true, false) },
      }),
      pod({
        metadata: { name: "web", creationTimestamp: new Date("2026-11-24T07:00:00Z") },
        spec: { containers: [{}] },
        status: {
          phase: "Pending",
          containerStatuses: [{ ready: false, restartCount: 0, state: { waiting: { reason: "ImagePullBackOff" } } }],
        },
      }),
      pod({ metadata: { name: "gone" }, status: { phase: "Failed", reason: "Evicted" } }),
    ],
    "job",
  );
  assert.deepEqual(
    pods.map(({ name, state, ready, containers: all, restarts }) => [name, state, ready, all, restarts]),
    [
      ["runner-abc-project-7-concurrent-0-x", "Running", 1, 2, 4],
      ["web", "ImagePullBackOff", 0, 1, 0],
      ["gitlab-runner-1", "Terminating", 0, 1, 0],
      ["gone", "Evicted", 0, 0, 0],
    ],
  );
  assert.partialDeepStrictEqual(pods[0], {
    role: "job",
    jobId: 42,
    jobName: "build",
    projectId: 7,
    project: "homelab/website",
    node: "polycephala",
    createdAt: "2026-11-24T08:00:00.000Z",
  });
  assert.equal(pods[1]?.jobId, null);
});

test("a bucket: totals of all objects, and the newest of them", async (t) => {
  const start = Date.parse("2026-11-24T08:00:00.000Z");
  const object = (index: number) =>
    `<Contents><Key>project/1/key-${index}</Key><Size>10</Size>` +
    `<LastModified>${new Date(start + index * 1000).toISOString()}</LastModified></Contents>`;
  const server = createServer((request, response) => {
    const objects =
      request.url?.startsWith("/cache?") === true ? Array.from({ length: 1_500 }, (_, i) => object(i)) : [];
    response.setHeader("Content-Type", "application/xml");
    response.end(`<ListBucketResult><IsTruncated>false</IsTruncated>${objects.join("")}</ListBucketResult>`);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const store = new ObjectStore({
    server: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    https: false,
    region: "us-east-1",
    source: "a test",
  });
  const { newest, ...amount } = await store.content(keys, "cache");
  assert.deepEqual(amount, { count: 1_500, bytes: 15_000, isCut: false });
  assert.equal(newest.length, 100);
  assert.deepEqual(newest[0], { key: "project/1/key-1499", bytes: 10, modifiedAt: new Date(start + 1_499_000) });
  assert.equal(newest[99]?.key, "project/1/key-1400");
  assert.deepEqual(await store.content(keys, "empty"), { count: 0, bytes: 0, newest: [], isCut: false });
});

describe("the servers are", () => {
  const project = "gitlab-runner";
  const storeOf = (cache: string, config: Record<string, string>, environment = {}) => {
    const found = cacheConnection(cache, providerSettings({ project, config }, environment).minio);
    return found && { ...found, store: found.store.address };
  };

  test("where the stack's providers find them", () => {
    const config = {
      "gitlab-runner:gitlabUrl": "https://gitlab.internal",
      "gitlab:baseUrl": "https://gitlab.example.com/git/api/v4/",
      "gitlab:token": "from-config",
      "minio:minioServer": "localhost:9000",
      "minio:minioSsl": "true",
    };
    const { gitlab } = providerSettings({ project, config }, { GITLAB_TOKEN: "from-environment" });
    assert.equal(new GitLabApi(gitlab.baseUrl, gitlab.token).baseUrl, "https://gitlab.example.com/git/api/v4");
    assert.equal(gitlab.token, "from-config");
    const cache = JSON.stringify({ server: "minio.minio.svc.cluster.local:9000", region: "eu-west-1" });
    assert.deepEqual(storeOf(cache, config), {
      store: { server: "localhost:9000", https: true, region: "eu-west-1", source: "minio:minioServer" },
      keys: undefined,
    });
  });

  test("at the providers' own defaults, and where the environment says", () => {
    const environment = { GITLAB_TOKEN: "from-environment", MINIO_ENDPOINT: "minio:9000", KUBECONFIG: "/nowhere" };
    const { gitlab } = providerSettings({ project, config: {} }, environment);
    assert.deepEqual(gitlab, { baseUrl: "https://gitlab.com/api/v4", token: "from-environment" });
    assert.partialDeepStrictEqual(storeOf("", {}, environment), {
      store: { server: "minio:9000", https: false, region: "us-east-1" },
      keys: undefined,
    });
  });

  test("the cache's own where the keys are not made by the stack, and none without a cache", () => {
    const cache = JSON.stringify({ server: "s3.example.com", insecure: false, credentials: keys });
    assert.deepEqual(storeOf(cache, { "minio:minioServer": "localhost:9000" }), {
      store: { server: "s3.example.com", https: true, region: "us-east-1", source: "cache.server" },
      keys,
    });
    assert.equal(storeOf("false", {}), undefined);
  });

  test("in a kubeconfig as text, which says which context is missing", () => {
    const kubeconfig = JSON.stringify({
      clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:1" } }],
      users: [{ name: "u", user: {} }],
      contexts: [{ name: "known", context: { cluster: "c", user: "u" } }],
    });
    const connect = (context: string) =>
      providerSettings(
        { project, config: { "kubernetes:kubeconfig": kubeconfig, "kubernetes:context": context } },
        {},
      ).kubeConfig();
    assert.equal(connect("known").getCurrentCluster()?.server, "https://127.0.0.1:1");
    assert.throws(() => connect("other"), /the kubeconfig has no context "other"/);
  });
});
