import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { serve } from "@hono/node-server";
import { KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { Hono } from "hono";
import { accountConfig } from "../../sandbox/manager/account-config.ts";
import { registrationInput } from "../../sandbox/manager/entry-script.ts";
import { findManagerPod, mountPod } from "../../sandbox/manager/mounted-pod.ts";
import { model } from "../../tools/kubernetes-model.ts";

const timeout = 20_000;
const base64 = (text: string) => Buffer.from(text).toString("base64");

const pod = model<V1Pod>({
  metadata: { name: "gitlab-runner-1", namespace: "ci", uid: "u" },
  spec: {
    serviceAccountName: "manager",
    containers: [
      {
        name: "gitlab-runner",
        env: [{ name: "CI_SERVER_URL", value: "https://gitlab.example.com" }, { name: "EMPTY" }],
        volumeMounts: [
          { name: "projected-secrets", mountPath: "/secrets" },
          { name: "home", mountPath: "/home/gitlab-runner/.gitlab-runner" },
          { name: "configmaps", mountPath: "/configmaps" },
          { name: "account", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" },
        ],
      },
    ],
    volumes: [
      { name: "home", emptyDir: {} },
      { name: "configmaps", configMap: { name: "gitlab-runner" } },
      {
        name: "projected-secrets",
        projected: {
          sources: [
            { secret: { name: "cache" } },
            { secret: { name: "token", items: [{ key: "runner-token", path: "runner-token" }] } },
          ],
        },
      },
      { name: "account", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } },
    ],
  },
});

/** The API server's part that the manager reads; `secrets` are what exists. */
async function cluster(t: TestContext, secrets: Record<string, Record<string, string>>) {
  const app = new Hono();
  app.get("/api/v1/namespaces/ci/secrets/:name", (c) => {
    const data = secrets[c.req.param("name")];
    return data === undefined
      ? c.json({ kind: "Status", code: 404 }, 404)
      : c.json({ data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])) });
  });
  app.get("/api/v1/namespaces/ci/configmaps/gitlab-runner", (c) =>
    c.json({ data: { "config.toml": "concurrent = 4\n", "config.template.toml": "[[runners]]\n" } }),
  );
  app.post("/api/v1/namespaces/ci/serviceaccounts/manager/token", (c) =>
    c.json({ status: { token: "account-token" } }, 201),
  );
  app.get("/api/v1/namespaces/ci/pods", (c) => {
    assert.equal(c.req.query("labelSelector"), "release=gitlab-runner,heritage=Helm");
    const at = (name: string, phase: string, created: string, deleted?: string) => ({
      metadata: { name, creationTimestamp: created, deletionTimestamp: deleted },
      status: { phase },
    });
    return c.json({
      items: [
        at("older", "Running", "2026-01-01T00:00:00Z"),
        at("newer", "Running", "2026-01-02T00:00:00Z"),
        at("leaving", "Running", "2026-01-03T00:00:00Z", "2026-01-03T00:00:01Z"),
        at("pending", "Pending", "2026-01-04T00:00:00Z"),
      ],
    });
  });
  const { promise: listening, resolve } = Promise.withResolvers<number>();
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
    resolve(port);
  });
  t.after(() => server.close());
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: "c", server: `http://127.0.0.1:${await listening}`, skipTLSVerify: true }],
    users: [{ name: "admin", token: "admin-token" }],
    contexts: [{ name: "x", cluster: "c", user: "admin" }],
    currentContext: "x",
  });
  const root = await mkdtemp(join(tmpdir(), "mounted-pod-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  return { config, root };
}

const all = { cache: { accesskey: "A", secretkey: "S" }, token: { "runner-token": "glrt-x", other: "not mounted" } };

test("what the pod mounts is on disk, closed to others, and nothing else is", { timeout }, async (t) => {
  const { config, root } = await cluster(t, all);
  const mounted = await mountPod(config, pod, root);
  assert.equal(await readFile(mounted.path("/secrets/runner-token"), "utf8"), "glrt-x");
  assert.equal(await readFile(mounted.path("/secrets/accesskey"), "utf8"), "A");
  await assert.rejects(stat(mounted.path("/secrets/other")), { code: "ENOENT" });
  assert.equal((await stat(mounted.path("/secrets/runner-token"))).mode & 0o777, 0o600);
  assert.equal((await stat(mounted.path("/secrets"))).mode & 0o777, 0o700);
  assert.deepEqual(mounted.environment, { CI_SERVER_URL: "https://gitlab.example.com", EMPTY: "" });
});

test("the entry script's input comes from the mounts", { timeout }, async (t) => {
  const { config, root } = await cluster(t, all);
  const input = await registrationInput(await mountPod(config, pod, root));
  assert.equal(input.environment["CI_SERVER_TOKEN"], "glrt-x");
  assert.equal(input.environment["CACHE_S3_ACCESS_KEY"], "A");
  assert.equal(input.environment["CACHE_S3_SECRET_KEY"], "S");
  assert.equal(input.hostname, "gitlab-runner-1");
});

test("half a pair of cache keys is none", { timeout }, async (t) => {
  const { config, root } = await cluster(t, { ...all, cache: { accesskey: "A" } });
  const { environment } = await registrationInput(await mountPod(config, pod, root));
  assert.equal(environment["CACHE_S3_ACCESS_KEY"], undefined);
});

test("the manager has its account's token and not the administrator's", { timeout }, async (t) => {
  const { config, root } = await cluster(t, all);
  const own = await accountConfig(config, await mountPod(config, pod, root));
  assert.equal(own.getCurrentUser()?.token, "account-token");
  assert.deepEqual(own.getUsers().length, 1);
  assert.equal(own.getCurrentCluster()?.server, config.getCurrentCluster()?.server);
});

test("a Secret or key that is missing is named", { timeout }, async (t) => {
  const without = await cluster(t, { token: all.token });
  await assert.rejects(mountPod(without.config, pod, without.root), /secret "cache" not found/);
  const wrong = await cluster(t, { ...all, token: { other: "x" } });
  await assert.rejects(mountPod(wrong.config, pod, wrong.root), /secret "token" has no key "runner-token"/);
});

test("the newest running pod is the manager's", { timeout }, async (t) => {
  const { config } = await cluster(t, all);
  assert.equal((await findManagerPod(config, "ci", "gitlab-runner"))?.metadata?.name, "newer");
});
