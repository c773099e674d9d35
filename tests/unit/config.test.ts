import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { read } from "./config-reading.ts";
import { stackKeys } from "../../components/config/stack-keys.ts";
import { deploy, isSecret, valueOf } from "./mock-engine.ts";

describe("readStackConfig", { timeout: 20_000 }, () => {
  before(async () => {
    await deploy(() => undefined); // Names project and stack.
  });

  test("needs nothing but the project", () => {
    const args = read({ projectId: "75488734" });
    assert.equal(args.gitlabUrl, "https://gitlab.com");
    assert.equal(args.podSecurity, undefined);
    assert.equal(args.rotation, undefined);
    assert.deepEqual(args.registration, {
      runnerType: "project",
      projectId: 75488734,
      extraProjects: [],
      tags: ["kubernetes", "homelab"],
      runUntagged: false,
      locked: false,
      paused: false,
      protectedOnly: false,
    });
    assert.ok(args.cache !== false);
    assert.equal(args.cache.server, "minio.minio.svc.cluster.local:9000");
    assert.equal(args.manager.concurrent, 4);
    assert.equal(args.jobs.image, "alpine:latest");
    assert.equal(args.chart.version, "0.86.0");
  });

  test("keeps the defaults of an object's other keys", () => {
    const { manager } = read({ projectId: 1, manager: { concurrent: 10 } });
    assert.equal(manager.concurrent, 10);
    assert.equal(manager.checkInterval, 30);
    assert.deepEqual(manager.resources.limits, { cpu: "200m", memory: "256Mi" });
  });

  test("keeps text that looks like a number as text", () => {
    assert.equal(read({ projectId: 1, description: "42" }).registration?.description, "42");
  });

  test("ignores the keys of providers", () => {
    assert.equal(read({ projectId: 1, "gitlab:baseUrl": "http://gitlab.local" }).gitlabUrl, "https://gitlab.com");
  });

  test("takes for numbers, booleans and lists what `pulumi config set` writes as text", () => {
    const { registration, cache, networkPolicy, linkerd } = read({
      projectId: "75488734",
      extraProjects: '[75488735, "group/project"]',
      tags: '["arm64"]',
      paused: "true",
      maximumTimeout: "3600",
      cache: "false",
      networkPolicy: '{"jobs": ["10.0.0.0/8"]}',
      linkerd: "true",
    });
    assert.deepEqual(registration?.extraProjects, [75488735, "group/project"]);
    assert.deepEqual(registration.tags, ["arm64"]);
    assert.equal(registration.paused, true);
    assert.equal(registration.maximumTimeout, 3600);
    assert.equal(cache, false);
    assert.deepEqual(typeof networkPolicy === "object" && networkPolicy.jobs, ["10.0.0.0/8"]);
    assert.equal(linkerd, true);
  });

  test("takes amounts as numbers or text", () => {
    const { jobs, quota } = read({
      projectId: 1,
      jobs: { resources: { requests: { cpu: 0.5, memory: 1048576 }, limits: { cpu: "2", memory: "1.5Gi" } } },
      quota: { "requests.cpu": 8, "limits.memory": "16Gi", pods: 20 },
    });
    assert.deepEqual(jobs.resources, {
      requests: { cpu: "0.5", memory: "1048576" },
      limits: { cpu: "2", memory: "1.5Gi" },
    });
    assert.deepEqual(quota, { "requests.cpu": "8", "limits.memory": "16Gi", pods: "20" });
  });

  test("takes a runner that exists, keeps its token secret, and trims it", async () => {
    const token = "glrt-0123456789abcdefghij";
    const { registration, runnerToken } = read({ runnerToken: `${token}\n` }, ["runnerToken"]);
    assert.equal(registration, undefined);
    assert.equal(await isSecret(pulumi.output(runnerToken)), true);
    assert.equal(await valueOf(pulumi.output(runnerToken)), token);
  });

  test("has the defaults that Pulumi.yaml declares, for exactly the keys that it declares", () => {
    const project = parse(readFileSync(join(import.meta.dirname, "../../Pulumi.yaml"), "utf8")) as {
      config: Record<string, { default: unknown; description: string }>;
    };
    const declared = Object.fromEntries(Object.entries(project.config).map(([key, item]) => [key, item.default]));
    assert.deepEqual(read({ ...declared, projectId: 1 }), read({ projectId: 1, namespace: "gitlab-runner" }));
    assert.deepEqual(Object.keys(declared), stackKeys);
  });
});
