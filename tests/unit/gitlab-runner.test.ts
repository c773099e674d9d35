import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { readStackConfig } from "../../components/config.ts";
import { GitLabRunner } from "../../components/gitlab-runner.ts";
import { deploy, isSecret, valueOf } from "./mock-engine.ts";

/** The homelab's stack, read as the engine would pass it on. */
function homelab(overrides: Record<string, unknown> = {}): GitLabRunner {
  const file = readFileSync(join(import.meta.dirname, "../../Pulumi.homelab.yaml"), "utf8");
  const { config } = parse(file) as { config: Record<string, unknown> };
  const values = Object.entries({ ...config, ...overrides });
  pulumi.runtime.setAllConfig(
    Object.fromEntries(values.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)])),
  );
  return new GitLabRunner("gitlab-runner", readStackConfig());
}

describe("GitLabRunner", { timeout: 20_000 }, () => {
  test("makes of the homelab's stack everything that the original's scripts made", async () => {
    const { resources } = await deploy(() => homelab());
    const made = resources.filter(({ type }) => !type.startsWith("gitlab-runner:") && !type.startsWith("pulumi:"));
    assert.deepEqual(
      made.map(({ type }) => type.split(":").at(-1)).toSorted(),
      [
        "IamPolicy",
        "IamUser",
        "IamUserPolicyAttachment",
        "IlmPolicy",
        "Namespace",
        "RandomPassword",
        "RandomString",
        "Release",
        "Role",
        "RoleBinding",
        "S3Bucket",
        "Secret",
        "Secret",
        "ServiceAccount",
        "ServiceAccount",
        "UserRunner",
      ].toSorted(),
    );
  });

  test("gives the stack its outputs, none of them a secret", async () => {
    const { result } = await deploy(() => homelab());
    assert.equal(await valueOf(result.runnerId), 4711);
    assert.equal(await valueOf(result.runnerPage), "https://gitlab.com/projects/75488734");
    assert.deepEqual(await valueOf(result.runnerTags), ["kubernetes", "homelab"]);
    assert.deepEqual(await valueOf(result.enabledProjects), []);
    assert.equal(await valueOf(result.namespace), "gitlab-runner");
    assert.deepEqual(await valueOf(result.release), {
      name: "gitlab-runner",
      chart: "gitlab-runner-0.86.0",
      appVersion: "18.9.0",
      status: "deployed",
    });
    assert.equal(await valueOf(result.cacheBucket), "gitlab-runner-cache");
    assert.match((await valueOf(result.nextSteps))[0] ?? "", /^kubectl --namespace gitlab-runner get pods/);
    for (const output of [result.runnerId, result.runnerTags, result.namespace, result.release, result.nextSteps]) {
      assert.equal(await isSecret(output), false);
    }
  });

  test("passes on what one part makes to the part that needs it", async () => {
    const { one } = await deploy(() => homelab());
    const values = one("kubernetes:helm.sh/v3:Release").inputs["values"] as {
      runners: { secret: string; cache: { secretName: string }; config: string };
      serviceAccount: { name: string };
    };
    assert.equal(values.runners.secret, "gitlab-runner-credentials-token-1a2b3c4d");
    assert.equal(values.runners.cache.secretName, "gitlab-runner-credentials-cache-1a2b3c4d");
    assert.equal(values.serviceAccount.name, "gitlab-runner");
    assert.match(values.runners.config, /BucketName = "gitlab-runner-cache"/);
    assert.match(values.runners.config, /service_account = "gitlab-runner-job"/);
    const secret = one("kubernetes:core/v1:Secret", "gitlab-runner-credentials-token").inputs["stringData"] as object;
    assert.deepEqual(secret, { "runner-registration-token": "", "runner-token": "glrt-t3_aaaaaaaaaaaaaaaaaaaa" });
  });

  test("puts no credential into the chart's values", async () => {
    const { one } = await deploy(() => homelab());
    const values = JSON.stringify(one("kubernetes:helm.sh/v3:Release").inputs["values"]);
    for (const credential of ["glrt-", "ACCESSKEY0123456789A", "secretkey0"]) {
      assert.ok(!values.includes(credential), `${credential} is in the values`);
    }
  });

  test("works without a cache", async () => {
    const { all, one, result } = await deploy(() => homelab({ "gitlab-runner:cache": false }));
    assert.deepEqual(all("minio:index/s3Bucket:S3Bucket"), []);
    assert.equal(result.cacheBucket, undefined);
    const { runners } = one("kubernetes:helm.sh/v3:Release").inputs["values"] as {
      runners: { cache?: object; config: string };
    };
    assert.equal(runners.cache, undefined);
    assert.doesNotMatch(runners.config, /runners\.cache/);
  });

  test("refuses a name that cannot be that of a release, and settings that are wrong", async () => {
    const make = (name: string, args: object) =>
      deploy(
        () => new GitLabRunner(name, { registration: { runnerType: "project", projectId: 1, tags: ["x"] }, ...args }),
      );
    await assert.rejects(make("GPU_runner", {}), /must be a DNS label of at most 53 characters/);
    await assert.rejects(make("gpu", { runnerToken: "glrt-x" }), /either registration or runnerToken, and not both/);
    await assert.rejects(
      make("gpu", { manager: { replicas: 0 } }),
      /GitLabRunner gpu, manager:[^]*must be at least 1[^]*replicas/,
    );
  });

  test("gives containers without resources of their own small requests and a build's limits, where there is a quota", async () => {
    const { one } = await deploy(() => homelab({ "gitlab-runner:quota": { "requests.cpu": "8" } }));
    assert.deepEqual(one("kubernetes:core/v1:LimitRange").inputs["spec"], {
      limits: [
        {
          type: "Container",
          defaultRequest: { cpu: "100m", memory: "64Mi" },
          default: { cpu: "2", memory: "2Gi" },
        },
      ],
    });
  });
});
