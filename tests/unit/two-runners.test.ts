import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { GitLabRunner, type GitLabRunnerArgs } from "../../components/gitlab-runner.ts";
import { caCertificate } from "./config-arbitrary.ts";
import { deploy, type RegisteredResource } from "./mock-engine.ts";

/** Runs a program against servers that give each resource values of its own: no two runners share a token or keys. */
async function make(program: () => unknown): Promise<readonly RegisteredResource[]> {
  const { resources } = await deploy(
    () => {
      pulumi.runtime.setAllConfig({ "gitlab-runner:projectId": "12345678" });
      return program();
    },
    {
      answers: ({ type, name }) => {
        const own: Record<string, object> = {
          "gitlab:index/userRunner:UserRunner": { token: `glrt-${name}` },
          "random:index/randomString:RandomString": { result: `KEY-${name}` },
          "random:index/randomPassword:RandomPassword": { result: `secret-${name}` },
        };
        return own[type] ?? {};
      },
    },
  );
  return resources;
}

interface Names {
  readonly name?: string;
  readonly namespace?: string;
  readonly bucket?: string;
}

/** What a server would tell apart by name, as `kind namespace/name`. */
function namesAtServers(made: readonly RegisteredResource[]): string[] {
  return made.flatMap(({ type, state }) => {
    const [, kind = ""] = /:(?:[^:]*\/)?([^:/]+)$/.exec(type) ?? [];
    const { name, namespace, bucket } = { ...state, ...(state["metadata"] as object | undefined) } as Names;
    if (type.startsWith("kubernetes:")) {
      return [`${kind} ${namespace ?? ""}/${name ?? ""}`];
    }
    return type.startsWith("minio:") && kind !== "IamUserPolicyAttachment"
      ? [`${kind} ${bucket ?? name ?? "undefined"}`]
      : [];
  });
}

function repeated(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}

function assertNoClash(made: readonly RegisteredResource[]): void {
  const names = namesAtServers(made);
  assert.deepEqual(repeated(names), [], "names at Kubernetes and MinIO");
  assert.ok(!names.some((name) => /undefined|\/$/.test(name)), `a name is missing: ${names.join(", ")}`);
  // Stricter than the engine, whose URNs hold the types of the parents, too.
  assert.deepEqual(repeated(made.map(({ type, name }) => `${type} ${name}`)), [], "URNs");
}

/** @returns the resources of a kind, by name */
function of(made: readonly RegisteredResource[], kind: string): RegisteredResource[] {
  return made
    .filter(({ type }) => type.endsWith(`:${kind}`))
    .toSorted((one, other) => one.name.localeCompare(other.name));
}

describe("two runners in one stack", { timeout: 20_000 }, () => {
  describe("of the example", () => {
    let made: readonly RegisteredResource[];
    before(async () => {
      made = await make(() => import("../../examples/two-runners/index.ts"));
    });

    test("share no name in Kubernetes, MinIO or the stack", () => {
      assertNoClash(made);
    });

    test("are two runners in GitLab, each with a Secret of its own for its token", () => {
      assert.deepEqual(
        of(made, "UserRunner").map(({ name, state }) => [name, state["tagLists"]]),
        [
          ["gpu-runner-registration", ["gpu"]],
          ["linux-runner-registration", ["linux"]],
        ],
      );
      const tokens = of(made, "Secret")
        .map(({ state }) => state as { metadata: object; stringData: Record<string, string> })
        .filter(({ stringData }) => "runner-token" in stringData)
        .map(({ metadata, stringData }) => ({ ...metadata, token: stringData["runner-token"] }));
      assert.deepEqual(tokens, [
        { name: "gpu-runner-credentials-token-1a2b3c4d", namespace: "gpu-jobs", token: "glrt-gpu-runner-registration" },
        {
          name: "linux-runner-credentials-token-1a2b3c4d",
          namespace: "linux-runner",
          token: "glrt-linux-runner-registration",
        },
      ]);
    });

    test("have a bucket each, which only their own keys open", () => {
      assert.deepEqual(
        of(made, "IamUserPolicyAttachment").map(({ state }) => [state["userName"], state["policyName"]]),
        ["gpu-runner", "linux-runner"].map((name) => [`KEY-${name}-cache-access-key`, `${name}-cache-policy-1a2b3c4`]),
      );
      for (const { name, state } of of(made, "IamPolicy")) {
        const bucket = name.replace(/-policy$/, "");
        const buckets = String(state["policy"]).match(/(?<=arn:aws:s3:::)[^/"]+/g) ?? [];
        assert.deepEqual([...new Set(buckets)], [bucket]);
      }
    });

    test("send jobs to their own nodes, with their own image and in their own namespace", () => {
      const configs = of(made, "Release").map(({ state }) => {
        const { runners } = state["values"] as { runners: { config: string } };
        return [state["name"], state["namespace"], runners.config] as const;
      });
      assert.deepEqual(
        configs.map(([name, namespace]) => [name, namespace]),
        [
          ["gpu-runner", "gpu-jobs"],
          ["linux-runner", "linux-runner"],
        ],
      );
      const [gpu = "", linux = ""] = configs.map(([, , config]) => config);
      assert.match(gpu, /image = "nvidia\/cuda:/);
      assert.match(gpu, /"nvidia\.com\/gpu\.present" = "true"/);
      assert.match(gpu, /namespace = "gpu-jobs"/);
      assert.doesNotMatch(linux, /nvidia|gpu/);
    });
  });

  test("share no name with every option on", async () => {
    const everything = (projectId: number, jobNamespace: string): GitLabRunnerArgs => ({
      registration: { runnerType: "project", projectId, tags: ["ci"], extraProjects: [7, "group/project"] },
      manager: { replicas: 2, metrics: true, podMonitor: true },
      jobs: { namespace: jobNamespace },
      quota: { pods: "20" },
      networkPolicy: true,
      linkerd: true,
      caCertificate,
    });
    const made = await make(() => [
      new GitLabRunner("a", everything(1, "a-jobs")),
      new GitLabRunner("b", everything(2, "b-jobs")),
    ]);
    assertNoClash(made);
    for (const kind of ["NetworkPolicy", "ResourceQuota", "LimitRange", "PodDisruptionBudget", "ConfigMap"]) {
      assert.ok(of(made, kind).length >= 2, `${kind} is not among what was made`);
    }
  });
});
