import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as gitlab from "@pulumi/gitlab";
import * as k8s from "@pulumi/kubernetes";
import * as minio from "@pulumi/minio";
import type { ResourceValidation, ResourceValidationArgs, StackValidationArgs } from "@pulumi/policy";
import * as pulumi from "@pulumi/pulumi";
import type { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { readStackConfig } from "../../components/config.ts";
import { GitLabRunner } from "../../components/gitlab-runner.ts";
import { policies } from "../../policy/policies.ts";
import { repository } from "../../tools/repository.ts";
import { readStackFile } from "../../tools/stack-file.ts";
import { deploy } from "./mock-engine.ts";

/** A rule that a program breaks, and what the user reads of it. */
type Violation = readonly [policy: string, message: string];

/** @returns what the pack has against the resources of a program */
async function violations(program: () => unknown): Promise<Violation[]> {
  let engine: MockMonitor | undefined;
  const { resources } = await deploy(() => {
    engine = pulumi.runtime.getMonitor() as unknown as MockMonitor;
    return program();
  });
  const urns = [...(engine?.getRegisteredResources().keys() ?? [])];
  const shown = (kind: "inputs" | "state") =>
    resources.map((resource) => {
      const { type, name } = resource;
      return { type, name, props: resource[kind], urn: urns.find((urn) => urn.endsWith(`${type}::${name}`)) };
    });
  const found: Violation[] = [];
  for (const policy of policies) {
    const report = (message: unknown) => found.push([policy.name, String(message)]);
    if ("validateStack" in policy) {
      await policy.validateStack({ resources: shown("state") } as unknown as StackValidationArgs, report);
    } else {
      const validate = policy.validateResource as ResourceValidation;
      for (const resource of shown("inputs")) {
        await validate(resource as unknown as ResourceValidationArgs, report);
      }
    }
  }
  return found;
}

/** The project's program with a stack's file, some of whose values are others. */
function stack(name: string, values: Readonly<Record<string, string>> = {}): () => void {
  return () => {
    const { config, secretKeys } = readStackFile(repository, name);
    pulumi.runtime.setAllConfig({ ...config, ...values }, [...secretKeys]);
    new GitLabRunner("gitlab-runner", readStackConfig("gitlab-runner"));
  };
}

/** A program that uses GitLab's chart without the component. */
function release(
  values: object,
  { chart = "gitlab-runner", version = "0.86.0" }: { chart?: string; version?: string } = {},
) {
  return () => new k8s.helm.v3.Release("runner", { chart, version, values });
}

function toml(settings: string): object {
  return { runners: { config: `[[runners]]\n[runners.kubernetes]\n${settings}` } };
}

/** A part of GitLabRunner that somebody has changed. */
function inRunner(make: (parent: pulumi.Resource) => unknown): () => void {
  return () => {
    make(new pulumi.ComponentResource("gitlab-runner:index:BuildCache", "cache"));
  };
}

function cachePolicy(...statements: object[]): () => void {
  const policy = JSON.stringify({ Statement: statements.map((statement) => ({ Effect: "Allow", ...statement })) });
  return inRunner((parent) => new minio.IamPolicy("policy", { policy }, { parent }));
}

const token = "glrt-t3_aaaaaaaaaaaaaaaaaaaa";
const network = { gitlab: ["203.0.113.10/32"], apiServer: ["10.0.0.1/32"] };

/** Programs that break a rule: the rule, what breaks it, the program, and what the message has. */
const broken: readonly (readonly [policy: string, title: string, program: () => unknown, message: RegExp])[] = [
  [
    "no-privileged-jobs",
    "jobs.privileged",
    stack("no-cache", { "gitlab-runner:jobs": '{"privileged":true}', "gitlab-runner:podSecurity": "privileged" }),
    /^runners\.config\.runners\.0\.kubernetes\.privileged makes .* pulumi config set --path jobs\.privileged false/,
  ],
  ["no-privileged-jobs", "privileged services", release(toml("services_privileged = true")), /services_privileged/],
  [
    "no-privileged-jobs",
    "a privileged container in a patch of the pod",
    release(
      toml(`[[runners.kubernetes.pod_spec]]\npatch = '{"containers":[{"securityContext":{"privileged":true}}]}'`),
    ),
    /pod_spec\.0\.patch/,
  ],
  [
    "no-wildcard-rights",
    "a Role",
    () => new k8s.rbac.v1.Role("all", { rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["*"] }] }),
    /^rules has a wildcard/,
  ],
  [
    "no-wildcard-rights",
    "a ClusterRole",
    () => new k8s.rbac.v1.ClusterRole("all", { rules: [{ apiGroups: ["*"], resources: ["pods"], verbs: ["get"] }] }),
    /^rules has a wildcard/,
  ],
  [
    "no-wildcard-rights",
    "the chart's Role without rules",
    release({ rbac: { create: true, rules: [] } }),
    /^rbac\.rules in/,
  ],
  [
    "no-wildcard-rights",
    "the chart's Role without verbs",
    release({ rbac: { create: true, rules: [{ resources: ["pods"] }] } }),
    /^rbac\.rules in/,
  ],
  [
    "no-wildcard-rights",
    "a key of the cache",
    cachePolicy({ Action: "s3:*", Resource: "arn:aws:s3:::cache/*" }),
    /^The key may do anything/,
  ],
  ["no-secrets-in-values", "the runner's token", release({ runnerToken: token }), /^runnerToken is a secret/],
  ["no-secrets-in-values", "a token in a comment", release({ note: `old: ${token}` }), /^note is a secret/],
  [
    "no-secrets-in-values",
    "keys in the runner's configuration",
    release({ runners: { config: '[[runners]]\n[runners.cache.s3]\nSecretKey = "hunter2"' } }),
    /^runners\.config\.runners\.0\.cache\.s3\.SecretKey is/,
  ],
  [
    "no-secrets-in-values",
    "an environment variable of jobs",
    release({ runners: { config: '[[runners]]\nenvironment = ["NPM_TOKEN=hunter2"]' } }),
    /environment\.0\.NPM_TOKEN is/,
  ],
  [
    "no-secrets-in-values",
    "an environment variable of the manager",
    release({ envVars: [{ name: "REGISTRY_PASSWORD", value: "hunter2" }] }),
    /^envVars\.0\.REGISTRY_PASSWORD is/,
  ],
  ["pinned-chart", "no version", () => new k8s.helm.v3.Release("runner", { chart: "gitlab-runner" }), /has no version/],
  ["pinned-chart", "a range", release({}, { version: "0.x" }), /has the version "0\.x".* chart\.version 0\.86\.0/],
  [
    "pinned-chart",
    "no version of a chart in a registry",
    () => new k8s.helm.v3.Release("runner", { chart: "oci://registry.example.com/charts/gitlab-runner" }),
    /has no version/,
  ],
  [
    "tags-on-purpose",
    "untagged is left to GitLab",
    () => new gitlab.UserRunner("runner", { runnerType: "instance_type", tagLists: ["kubernetes"] }),
    /GitLab's default is true/,
  ],
  [
    "tags-on-purpose",
    "neither tags nor untagged",
    () => new gitlab.UserRunner("runner", { runnerType: "instance_type", untagged: false }),
    /^It has no tags.*runUntagged true/,
  ],
  [
    "keys-for-one-bucket",
    "two buckets",
    cachePolicy(
      { Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::cache/*"] },
      { Action: ["s3:ListBucket"], Resource: ["arn:aws:s3:::backups"] },
    ),
    /^The key is for cache, backups\./,
  ],
  ["keys-for-one-bucket", "all", cachePolicy({ Action: "s3:GetObject", Resource: "arn:aws:s3:::*" }), /for \*\./],
  ["keys-for-one-bucket", "no resource", cachePolicy({ Action: "s3:GetObject" }), /for \*\./],
  [
    "production-keeps-its-cache",
    "cache.deleteWithStack",
    stack("homelab", {
      "policy:production": "true",
      "gitlab-runner:cache": '{"server":"minio.minio.svc.cluster.local:9000","deleteWithStack":true}',
    }),
    /--path cache\.deleteWithStack false/,
  ],
  [
    "closed-network",
    "no NetworkPolicy",
    stack("homelab", { "policy:closedNetwork": "true" }),
    /^No NetworkPolicy denies all other traffic of namespace gitlab-runner\./,
  ],
  [
    "closed-network",
    "jobs that reach everything",
    stack("hardened", {
      "policy:closedNetwork": "true",
      "gitlab-runner:networkPolicy": JSON.stringify({ ...network, jobs: ["0.0.0.0/0"] }),
    }),
    /^NetworkPolicy jobs of namespace ci-jobs allows any address\./,
  ],
  [
    "closed-network",
    "a manager that reaches any GitLab",
    stack("hardened", {
      "policy:closedNetwork": "true",
      "gitlab-runner:networkPolicy": JSON.stringify({ apiServer: network.apiServer }),
    }),
    /^NetworkPolicy manager of namespace gitlab-runner allows any address\./,
  ],
  [
    "known-flags",
    "a flag that is not one",
    stack("homelab", { "policy:prod": "true" }),
    /^policy:prod must be policy:production or policy:closedNetwork\. Remove it: pulumi config rm policy:prod$/,
  ],
  [
    "known-flags",
    "a flag that is neither true nor false",
    stack("homelab", { "policy:production": "yes" }),
    /^policy:production must be true or false\. Set it: pulumi config set policy:production true$/,
  ],
];

const examples = readdirSync(join(repository, "examples")).flatMap(
  (file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? [],
);

describe("the policy pack", { timeout: 60_000 }, () => {
  for (const [policy, title, program, message] of broken) {
    test(`${policy} rejects ${title}`, async () => {
      const found = (await violations(program)).filter(([name]) => name === policy);
      assert.match(found[0]?.[1] ?? "no violation", message);
      assert.doesNotMatch(found.join(), /hunter2|aaaaaaaa/, "a message has no secret");
    });
  }

  test("has a program above for each of its rules", () => {
    assert.deepEqual(
      [...new Set(broken.map(([policy]) => policy))],
      policies.map(({ name }) => name),
    );
  });

  for (const name of ["homelab", ...examples]) {
    test(`passes the stack ${name}, also in production`, async () => {
      const closed: Record<string, string> = name === "hardened" ? { "policy:closedNetwork": "true" } : {};
      assert.deepEqual(await violations(stack(name, { "policy:production": "true", ...closed })), []);
    });
  }

  test("passes the program with two runners", async () => {
    const found = await violations(() => {
      pulumi.runtime.setAllConfig({ "gitlab-runner:projectId": "12345678", "policy:production": "true" });
      return import("../../examples/two-runners/index.ts");
    });
    assert.deepEqual(found, []);
  });

  test("passes what has nothing to do with a runner", async () => {
    const found = await violations(() => {
      pulumi.runtime.setAllConfig({ "policy:production": "true", "policy:closedNetwork": "true" });
      const policy = JSON.stringify({ Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] });
      new minio.IamPolicy("admins", { policy });
      new minio.S3Bucket("scratch", { forceDestroy: true });
      new k8s.helm.v3.Release("database", { chart: "postgresql", values: { password: "hunter2", privileged: true } });
      const spec = { podSelector: {}, policyTypes: ["Egress"], egress: [{}] };
      new k8s.networking.v1.NetworkPolicy("open", { metadata: { namespace: "web" }, spec });
    });
    assert.deepEqual(found, []);
  });
});
