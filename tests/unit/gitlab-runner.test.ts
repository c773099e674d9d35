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
  return new GitLabRunner("gitlab-runner", readStackConfig("gitlab-runner"));
}

describe("GitLabRunner", { timeout: 20_000 }, () => {
  test("makes everything that the homelab needs", async () => {
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
        "NetworkPolicy",
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
    await assert.rejects(
      make("gpu", { runnerToken: "glrt-x" }),
      /registration: either this or runnerToken must be set, and not both/,
    );
    await assert.rejects(
      make("gpu", { manager: { replicas: 0 } }),
      /GitLabRunner gpu has one problem:\n {2}manager\.replicas: must be at least 1, but is 0\n/,
    );
  });

  test("asks for a namespace where its name is that of one of Kubernetes' own", async () => {
    const make = (args: object) =>
      deploy(() => new GitLabRunner("default", { registration: { projectId: 1 }, ...args }));
    await assert.rejects(make({}), /namespace: must be set: its default, the component's name, is a namespace of Kube/);
    const { one } = await make({ namespace: "ci" });
    const { metadata } = one("kubernetes:core/v1:Namespace").inputs as { metadata: { name: string } };
    assert.equal(metadata.name, "ci");
  });

  test("finds contradictions whoever makes it, by its own name, all at once, and registers nothing", async () => {
    let registered = 0;
    const make = () =>
      deploy(() => {
        try {
          return new GitLabRunner("gpu", {
            registration: { tags: ["gpu", "gpu"] },
            manager: { alerts: true },
            jobs: { serviceAccount: "gpu", podLabels: { app: "gpu" }, privileged: true },
            cache: { credentials: { accessKey: "AKIA0123456789", secretKey: pulumi.output("s3cr3t") } },
            caCertificate: "none",
          });
        } finally {
          registered += 1;
        }
      });
    await assert.rejects(make, (error: Error) => {
      assert.equal(
        error.message,
        [
          "GitLabRunner gpu has 8 problems:",
          '  jobs.podLabels.app: must not be app, which tells the manager\'s pods from those of jobs, but is "app"',
          "  registration.projectId: must be set: a runner of type project needs the id of its project",
          '  registration.tags[1]: must name each tag once, but is "gpu"',
          "  jobs.privileged: must be false where podSecurity is baseline, its default: Kubernetes refuses privileged pods there, but is true",
          "  manager.alerts: must be false where manager.metrics is false: there is nothing to monitor, but is true",
          "  caCertificate: must be one or more certificates as PEM and nothing else, above all no private key",
          "  jobs.serviceAccount: must not be the manager's own account, under which every job could read the runner's token, but is \"gpu\"",
          "  cache.bucket: must be set with cache.credentials: the bucket exists already",
          "Nothing was created or changed.",
        ].join("\n"),
      );
      return true;
    });
    assert.equal(registered, 1);
  });

  test("takes the account of another runner for what it is: no account of its own", async () => {
    const { one } = await deploy(
      () => new GitLabRunner("gpu", { registration: { projectId: 1 }, jobs: { serviceAccount: "gitlab-runner" } }),
    );
    const { runners } = one("kubernetes:helm.sh/v3:Release").inputs["values"] as { runners: { config: string } };
    assert.match(runners.config, /service_account = "gitlab-runner"/);
  });

  test("takes Outputs where they decide nothing, and says where they would", async () => {
    const { one } = await deploy(
      () =>
        new GitLabRunner("gpu", {
          gitlabUrl: pulumi.output("https://gitlab.example.com"),
          registration: { projectId: pulumi.output(7), tags: [pulumi.output("gpu")] },
        }),
    );
    const runner = one("gitlab:index/userRunner:UserRunner").inputs;
    assert.equal(runner["projectId"], 7);
    assert.deepEqual(runner["tagLists"], ["gpu"]);
    const namespace = pulumi.output("ci") as unknown as string;
    await assert.rejects(
      deploy(() => new GitLabRunner("gpu", { registration: { projectId: 1 }, namespace })),
      /GitLabRunner gpu has one problem:\n {2}namespace: must be a plain value, not an Output: it decides what is created\n/,
    );
  });

  test("names an argument that does not exist, and the one that was meant", async () => {
    const args = { registration: { projectId: 1 }, job: {} };
    await assert.rejects(
      deploy(() => new GitLabRunner("gpu", args)),
      /job: there is no such key; did you mean jobs\?/,
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
