import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { readStackConfig } from "../../components/config.ts";
import { deploy } from "./mock-engine.ts";

/** Reads a configuration of the project `gitlab-runner`, given as the engine passes it on: text, or JSON. */
function read(config: Record<string, unknown>) {
  const entries = Object.entries(config).map(([key, value]) => [
    key.includes(":") ? key : `gitlab-runner:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  pulumi.runtime.setAllConfig(Object.fromEntries(entries) as Record<string, string>);
  return readStackConfig();
}

function messageOf(config: Record<string, unknown>): string {
  try {
    read(config);
  } catch (error) {
    assert.ok(error instanceof pulumi.RunError, "an error without a stack trace");
    return error.message;
  }
  assert.fail("the configuration was accepted");
}

describe("readStackConfig", { timeout: 20_000 }, () => {
  before(async () => {
    await deploy(() => undefined); // Names project and stack.
  });

  test("needs nothing but the project", () => {
    const args = read({ projectId: "75488734" });
    assert.equal(args.gitlabUrl, "https://gitlab.com");
    assert.equal(args.namespace, "gitlab-runner");
    assert.equal(args.podSecurity, undefined);
    assert.equal(args.rotation, undefined);
    assert.deepEqual(args.registration, {
      runnerType: "project",
      projectId: 75488734,
      groupId: undefined,
      extraProjects: [],
      tags: ["kubernetes", "homelab"],
      runUntagged: false,
      locked: false,
      paused: false,
      protectedOnly: false,
      description: undefined,
      maintenanceNote: undefined,
      maximumTimeout: undefined,
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

  test("names every problem at once, and says that nothing was created", () => {
    const message = messageOf({ runnerType: "team", tags: ["a,b"], manager: { replicas: 0 } });
    assert.match(message, /^The stack's configuration has 3 problems:/);
    assert.match(message, /runnerType: .*but is "team"/);
    assert.match(message, /tags\[0\]: must be a tag, without a comma, but is "a,b"/);
    assert.match(message, /manager\.replicas: .*but is 0/);
    assert.match(message, /pulumi config set --path manager\.replicas 2/);
    assert.match(message, /Nothing was created or changed\.$/);
  });

  test("suggests the key that was meant", () => {
    assert.match(messageOf({ projectId: 1, tag: "x" }), /tag: there is no such key; did you mean tags\?/);
    assert.match(messageOf({ projectId: 1, jobs: { imagee: "x" } }), /jobs\.imagee: .*did you mean jobs\.image\?/);
  });

  for (const [title, config, expected] of [
    ["a project runner without a project", {}, /projectId: a runner of type project needs the id of its project/],
    ["a group runner without a group", { runnerType: "group" }, /groupId: a runner of type group needs/],
    ["a group runner with a project", { runnerType: "group", groupId: 1, projectId: 2 }, /projectId: must not be set/],
    [
      "extra projects of a group runner",
      { runnerType: "group", groupId: 1, extraProjects: [2] },
      /extraProjects: only a project/,
    ],
    [
      "extra projects of a locked runner",
      { projectId: 1, extraProjects: [2], locked: true },
      /locked: .*GitLab answers 403/,
    ],
    [
      "the owner as an extra project",
      { projectId: 1, extraProjects: [1] },
      /extraProjects\[0\]: must not name the project that owns/,
    ],
    [
      "an extra project twice",
      { projectId: 1, extraProjects: [2, 2] },
      /extraProjects\[1\]: must name each project once, but is 2/,
    ],
    [
      "a runner that no job can reach",
      { projectId: 1, tags: [] },
      /tags: a runner without tags .* would never get a job/,
    ],
    [
      "a cache server with a scheme",
      { projectId: 1, cache: { server: "http://minio:9000" } },
      /cache\.server: must be host or host:port, without http:\/\//,
    ],
    ["a namespace that is no DNS label", { projectId: 1, namespace: "CI_Runner" }, /namespace: must be a DNS label/],
    ["a timeout below GitLab's least", { projectId: 1, maximumTimeout: 60 }, /maximumTimeout: .*but is 60/],
  ] as const) {
    test(`refuses ${title}`, () => {
      assert.match(messageOf(config), expected);
    });
  }

  test("has the defaults that Pulumi.yaml declares, for exactly the keys that it declares", () => {
    const project = parse(readFileSync(join(import.meta.dirname, "../../Pulumi.yaml"), "utf8")) as {
      config: Record<string, { default: unknown; description: string }>;
    };
    const declared = Object.fromEntries(Object.entries(project.config).map(([key, item]) => [key, item.default]));
    assert.deepEqual(read({ ...declared, projectId: 1 }), read({ projectId: 1 }));
    const message = messageOf({ nonsense: 1 });
    const known = /keys there: (.*)\)/.exec(message)?.[1]?.split(", ");
    assert.deepEqual(known?.toSorted(), Object.keys(declared).toSorted());
  });
});
