import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { V1Pod } from "@kubernetes/client-node";
import type { Client } from "minio";
import { readCache } from "../../sandbox/page/cache-source.ts";
import { describeGitLab } from "../../sandbox/page/gitlab-source.ts";
import { describePods } from "../../sandbox/page/pods-source.ts";
import { secretFilter } from "../../sandbox/page/secret-filter.ts";
import type { Snapshot } from "../../sandbox/page/snapshot.ts";
import { Watcher, type Sources } from "../../sandbox/page/watcher.ts";
import { startServer } from "./gitlab-test-server.ts";

test("GitLab's part has runners and jobs, the newest first, and no token", async (t) => {
  const server = await startServer(t);
  const first = await server.createRunner({ description: "first", tag_list: "a,b" });
  const second = await server.createRunner({ description: "second", access_level: "ref_protected", paused: true });
  await server.control.addJob({ projectId: 1, name: "build", stage: "compile", script: ["true"], tags: ["a"] });
  await server.control.addJob({ projectId: 3, name: "deploy", script: ["true"] });
  const taken = await server.call("POST", "/jobs/request", { json: { token: first.token, system_id: "s_1" } });
  const { id, token } = taken.body as { id: number; token: string };
  const headers = { "Content-Range": "0-4", "JOB-TOKEN": token };
  await server.call("PATCH", `/jobs/${id}/trace`, { text: "hello", headers });

  const part = describeGitLab(await server.control.state());
  assert.deepEqual(
    part.runners.map(({ id, description, status, protectedOnly, tags, projects }) => [
      id,
      description,
      status,
      protectedOnly,
      tags,
      projects,
    ]),
    [
      [second.id, "second", "never_contacted", true, [], [{ id: 1, path: "homelab/one" }]],
      [first.id, "first", "online", false, ["a", "b"], [{ id: 1, path: "homelab/one" }]],
    ],
  );
  assert.ok(part.runners[0]?.paused);
  assert.equal(part.runners[0].contactedAt, null);
  assert.match(part.runners[1]?.contactedAt ?? "", /^\d{4}-.*Z$/);
  assert.equal((await fetch(part.runners[0].page)).status, 200);
  assert.partialDeepStrictEqual(part.jobs, [
    { id: 2, name: "deploy", project: { id: 3, path: "elsewhere/three" }, status: "pending", startedAt: null },
    { id: 1, name: "build", stage: "compile", tags: ["a"], status: "running", traceBytes: 5 },
  ]);
  for (const secret of [first.token, second.token, token]) {
    assert.ok(!JSON.stringify(part).includes(secret));
  }
});

test("pods: the manager first, then job pods, with what they are for", () => {
  const pod = (fields: object) => Object.assign(new V1Pod(), fields);
  const containers = (...ready: boolean[]) => ready.map((one) => ({ ready: one }));
  const pods = describePods([
    pod({
      metadata: {
        uid: "1",
        name: "runner-abc-project-7-concurrent-0-x",
        namespace: "jobs",
        annotations: { "job.runner.gitlab.com/id": "42", "project.runner.gitlab.com/id": "7" },
        creationTimestamp: new Date("2026-11-24T08:00:00Z"),
      },
      spec: { nodeName: "polycephala", containers: [{}, {}] },
      status: { phase: "Running", containerStatuses: containers(true, false) },
    }),
    pod({
      metadata: {
        uid: "2",
        name: "gitlab-runner-1",
        namespace: "runner",
        labels: { chart: "gitlab-runner-0.86.0" },
        deletionTimestamp: new Date(),
      },
      spec: { containers: [{}] },
      status: { phase: "Running" },
    }),
    pod({
      metadata: { uid: "3", name: "web", namespace: "default" },
      spec: { containers: [{}] },
      status: {
        phase: "Pending",
        containerStatuses: [{ ready: false, state: { waiting: { reason: "ImagePullBackOff" } } }],
      },
    }),
  ]);
  assert.deepEqual(
    pods.map(({ role, phase, ready, containers: all }) => [role, phase, ready, all]),
    [
      ["manager", "Terminating", 0, 1],
      ["job", "Running", 1, 2],
      ["other", "ImagePullBackOff", 0, 1],
    ],
  );
  assert.partialDeepStrictEqual(pods[1], {
    jobId: 42,
    projectId: 7,
    node: "polycephala",
    createdAt: "2026-11-24T08:00:00.000Z",
  });
});

test("the cache: totals of all objects, and the newest of them", async () => {
  const objects = Array.from({ length: 150 }, (_, index) => ({
    name: `project/1/key-${index}`,
    size: 10,
    lastModified: new Date(1_795_509_810_000 + index * 1000),
  }));
  const client = {
    listBuckets: () => Promise.resolve([{ name: "cache" }, { name: "empty" }]),
    listObjectsV2: (name: string) => (name === "cache" ? objects : []),
  } as unknown as Client;
  const { buckets } = await readCache(client, "http://127.0.0.1:9000");
  assert.deepEqual(
    buckets.map(({ name, count, bytes, isCut }) => [name, count, bytes, isCut]),
    [
      ["cache", 150, 1500, false],
      ["empty", 0, 0, false],
    ],
  );
  assert.equal(buckets[0]?.objects.length, 100);
  assert.equal(buckets[0].objects[0]?.key, "project/1/key-149");
});

test("secrets are masked wherever they stand", () => {
  const masked = secretFilter(["s3cr3t-passphrase", "s3cr3t-passphrase-longer", "short"]);
  assert.equal(
    masked("a s3cr3t-passphrase-longer, s3cr3t-passphrase, glrt-t3_abcdefghij0123456789, short"),
    "a [masked], [masked], [masked], short",
  );
});

/** Sources of a test, which counts how often they are read. */
function testSources(change: Partial<Sources> = {}) {
  let reads = 0;
  const parts: Sources = {
    gitlab: () => {
      reads++;
      return Promise.resolve({ url: "", runners: [], jobs: [], projects: [] });
    },
    pods: () => Promise.resolve([]),
    cache: () => Promise.resolve({ url: "", buckets: [] }),
    stack: () => Promise.resolve({ file: "", isBusy: false, suggestions: [] }),
    ...change,
  };
  return { load: () => Promise.resolve(parts), reads: () => reads };
}

test("a watcher tells at once, and then only what has changed", { timeout: 10_000 }, async () => {
  let pods: Awaited<ReturnType<Sources["pods"]>> = [];
  const watcher = new Watcher(testSources({ pods: () => Promise.resolve(pods) }).load, { intervalMs: 5 });
  const told: Snapshot[] = [];
  const stop = watcher.subscribe((snapshot) => told.push(JSON.parse(snapshot) as Snapshot));
  assert.deepEqual(told, [{ gitlab: {}, pods: {}, cache: {}, stack: {} }]);
  await sleep(300);
  const count = told.length;
  assert.deepEqual(told.at(-1)?.pods, { data: [] });
  await sleep(100);
  assert.equal(told.length, count, "nothing changes, nothing is told");
  pods = describePods([Object.assign(new V1Pod(), { metadata: { name: "new" } })]);
  await sleep(200);
  assert.equal(told.length, count + 1);
  assert.equal(told.at(-1)?.pods.data?.[0]?.name, "new");
  stop();
});

test("a watcher reads nothing unless somebody listens", { timeout: 10_000 }, async () => {
  const { load, reads } = testSources();
  const watcher = new Watcher(load, { intervalMs: 5 });
  await sleep(50);
  assert.equal(reads(), 0);
  const stop = [watcher.subscribe(() => undefined), watcher.subscribe(() => undefined)];
  await sleep(100);
  assert.ok(reads() > 1);
  stop[0]?.();
  const before = reads();
  await sleep(100);
  assert.ok(reads() > before, "one still listens");
  stop[1]?.();
  await sleep(20);
  const after = reads();
  await sleep(100);
  assert.equal(reads(), after);
});

test("a source that fails or hangs keeps what it told before, and disturbs no other", { timeout: 10_000 }, async () => {
  const refused = new Error("fetch failed", { cause: new Error("connect ECONNREFUSED 127.0.0.1:9000\nat a stack") });
  let isDown = false;
  const { load } = testSources({
    cache: () => (isDown ? Promise.reject(refused) : Promise.resolve({ url: "", buckets: [] })),
    pods: () => new Promise(() => undefined),
  });
  const watcher = new Watcher(load, { intervalMs: 5, limitMs: 50 });
  let latest: Snapshot | undefined;
  const stop = watcher.subscribe((snapshot) => (latest = JSON.parse(snapshot) as Snapshot));
  await sleep(300);
  assert.deepEqual(latest?.cache, { data: { url: "", buckets: [] } });
  assert.deepEqual(latest.pods, { error: "no answer within 0.05 s" });
  isDown = true;
  await sleep(200);
  assert.deepEqual(latest.cache, {
    data: { url: "", buckets: [] },
    error: "connect ECONNREFUSED 127.0.0.1:9000",
  });
  isDown = false;
  await sleep(200);
  assert.deepEqual(latest.cache, { data: { url: "", buckets: [] } });
  assert.ok(latest.gitlab.data);
  stop();
});

test("a watcher whose sources cannot be opened says why, and tries again", { timeout: 10_000 }, async () => {
  let isThere = false;
  const { load } = testSources();
  const watcher = new Watcher(() => (isThere ? load() : Promise.reject(new Error("there is no sandbox"))), {
    intervalMs: 5,
  });
  let latest: Snapshot | undefined;
  const stop = watcher.subscribe((snapshot) => (latest = JSON.parse(snapshot) as Snapshot));
  await sleep(200);
  assert.deepEqual(latest?.gitlab, { error: "there is no sandbox" });
  isThere = true;
  await sleep(200);
  assert.deepEqual(latest.pods, { data: [] });
  stop();
});
