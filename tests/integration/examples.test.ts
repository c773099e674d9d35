import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, test } from "node:test";
import { parse } from "smol-toml";
import { stringify } from "yaml";
import { gitlabUrl } from "../../sandbox/environment.ts";
import { repository } from "../../tools/repository.ts";
import { SandboxUnderTest } from "./sandbox-under-test.ts";

interface Named {
  readonly metadata: { readonly name: string };
}

interface JobPod extends Named {
  readonly metadata: Named["metadata"] & { readonly labels: Record<string, string> };
  readonly spec: Record<string, unknown> & {
    readonly containers: readonly {
      readonly name: string;
      readonly resources: object;
      readonly securityContext: object;
    }[];
  };
}

describe("the examples, deployed", { timeout: 30 * 60_000 }, () => {
  let sandbox: SandboxUnderTest;
  beforeEach(() => {
    sandbox = new SandboxUnderTest();
  });
  afterEach(() => sandbox.remove());

  async function deploy(example: string): Promise<void> {
    const file = join(repository, "examples", `Pulumi.${example}.yaml`);
    const { all, exitCode } = await sandbox.command("up", "--stack", file);
    assert.equal(exitCode, 0, all);
  }

  /** Deploys again and refreshes: neither may find anything to change. Then destroys: nothing may be left of it. */
  async function staysAndGoes(...namespaces: string[]): Promise<void> {
    const flags = ["--yes", "--skip-preview", "--non-interactive"];
    await sandbox.exec("pulumi", "up", ...flags, "--expect-no-changes");
    await sandbox.exec("pulumi", "refresh", ...flags, "--expect-no-changes");
    await sandbox.exec("pulumi", "destroy", ...flags);
    const left = await sandbox.kubectl<{ items: Named[] }>("get", "namespaces");
    assert.deepEqual(
      left.items.map(({ metadata }) => metadata.name).filter((name) => namespaces.includes(name)),
      [],
    );
  }

  async function config(): Promise<Record<string, unknown>> {
    const { data } = await sandbox.kubectl<{ data: Record<string, string> }>(
      ...["--namespace", "gitlab-runner", "get", "configmap", "gitlab-runner"],
    );
    const { runners } = JSON.parse(JSON.stringify(parse(data["config.template.toml"] ?? ""))) as {
      runners: Record<string, unknown>[];
    };
    return runners[0] ?? {};
  }

  /** A job file with these keywords, which succeeds after a few seconds. */
  function jobFile(keywords: object): string {
    const file = join(sandbox.path, "probe.gitlab-ci.yml");
    writeFileSync(file, stringify({ probe: { tags: ["kubernetes"], script: ["sleep 4"], ...keywords } }));
    return file;
  }

  /** Runs a job, and looks at its pod meanwhile. */
  async function podOf(namespace: string, keywords: object): Promise<JobPod> {
    const running = sandbox.command("job", jobFile(keywords));
    const selector = "job.runner.gitlab.com/pod";
    let pod: JobPod | undefined;
    const deadline = Date.now() + 60_000;
    while (pod === undefined && Date.now() < deadline) {
      await sleep(250);
      const { items } = await sandbox.kubectl<{ items: JobPod[] }>(
        ...["--namespace", namespace, "get", "pods", "--selector", selector],
      );
      pod = items[0];
    }
    const { exitCode, all } = await running;
    assert.equal(exitCode, 0, all);
    assert.ok(pod, `no job pod was in ${namespace}:\n${all}`);
    return pod;
  }

  test("group: a group runner, whose jobs have a dedicated namespace, nodes and limits", async () => {
    await deploy("group");
    const { runnerId } = await sandbox.outputs();
    const runner = await sandbox.gitlab.Runners.show(Number(runnerId));
    assert.equal(runner.runner_type, "group_type");
    assert.equal(runner.maximum_timeout, 7200);

    const pod = await podOf("ci-jobs", {
      variables: { KUBERNETES_CPU_REQUEST: "3", KUBERNETES_CPU_LIMIT: "4", KUBERNETES_MEMORY_LIMIT: "12Gi" },
    });
    assert.partialDeepStrictEqual(pod.spec, {
      serviceAccountName: "gitlab-runner-job",
      automountServiceAccountToken: false,
      nodeSelector: { "example.com/pool": "ci" },
    });
    const tolerations = pod.spec["tolerations"] as object[];
    assert.partialDeepStrictEqual(tolerations[0], { key: "example.com/ci", operator: "Exists", effect: "NoSchedule" });
    assert.equal(pod.metadata.labels["team"], "platform");
    assert.equal(pod.metadata.labels["ci-project"], "75488734");
    assert.deepEqual(pod.spec.containers[0]?.resources, {
      requests: { cpu: "3", memory: "512Mi" },
      limits: { cpu: "4", memory: "12Gi" },
    });
    const greedy = await sandbox.command("job", jobFile({ variables: { KUBERNETES_MEMORY_LIMIT: "64Gi" } }));
    assert.equal(greedy.exitCode, 1);
    assert.match(greedy.all, /memory_limit 64Gi; the runner's configuration allows 16Gi/);

    await staysAndGoes("gitlab-runner", "ci-jobs");
  });

  test("existing: a runner and a store that exist, and nothing made in GitLab or MinIO", async () => {
    await deploy("existing");
    const exported = await sandbox.exec("pulumi", "stack", "export");
    const { deployment } = JSON.parse(exported) as { deployment: { resources: { type: string }[] } };
    const made = deployment.resources.map(({ type }) => type);
    assert.deepEqual(
      made.filter((type) => /^(gitlab|minio|random):/.test(type)),
      [],
    );
    const secret = await sandbox.kubectl<{ data: Record<string, string> }>(
      ...["--namespace", "gitlab-runner", "get", "secret", String((await sandbox.outputs())["tokenSecret"])],
    );
    const token = Buffer.from(secret.data["runner-token"] ?? "", "base64").toString();
    const verified = await fetch(`${gitlabUrl(sandbox.state)}/api/v4/runners/verify`, {
      method: "POST",
      body: new URLSearchParams({ token }),
    });
    assert.equal(verified.status, 200);
    for (const value of [token, sandbox.state.secrets["minioPassword"] ?? ""]) {
      assert.ok(!exported.includes(value), "a secret of the configuration is in plain sight in the state");
    }
    const job = await sandbox.command("job");
    assert.match(job.all, /example-ci-cache\/project\/75488734\/default[\s\S]*Job succeeded/);
    const { config: stack } = JSON.parse(await sandbox.exec("pulumi", "config", "--json")) as { config?: object };
    assert.equal(stack, undefined);
    await staysAndGoes("gitlab-runner");
    assert.match(await sandbox.exec("mc", "ls", "--recursive", "minio/example-ci-cache"), /project\/75488734/);
  });

  test("tls: a store with a certificate of your own CA, which manager and jobs trust", async () => {
    await deploy("tls");
    const pods = await sandbox.kubectl<{
      items: { spec: { volumes: { name: string; secret?: { secretName: string } }[] } }[];
    }>(...["--namespace", "gitlab-runner", "get", "pods", "--selector", "app=gitlab-runner"]);
    const volume = pods.items[0]?.spec.volumes.find(({ name }) => name === "custom-certs");
    assert.match(
      volume?.secret?.secretName ?? "",
      /^gitlab-runner-trust-manager-[0-9a-f]{8}$/,
      "the manager has the certificates",
    );
    await sandbox.command("job");
    const { all } = await sandbox.command("job");
    assert.match(all, /Downloading cache from https:[\s\S]*The cache has what job 1 has fetched[\s\S]*Job succeeded/);
    const quota = JSON.parse(
      await sandbox.exec("mc", "--json", "quota", "info", "minio/gitlab-runner-cache"),
    ) as object;
    assert.partialDeepStrictEqual(quota, { quota: 50 * 2 ** 30 });
    const expiry = await sandbox.exec("mc", "--json", "ilm", "rule", "ls", "minio/gitlab-runner-cache");
    assert.match(expiry, /"Days": ?30/);
    await staysAndGoes("gitlab-runner");
  });

  test("no-cache: an instance's runner, which takes jobs without tags and keeps nothing", async () => {
    await deploy("no-cache");
    const { runnerId, cacheBucket } = await sandbox.outputs();
    assert.equal(cacheBucket, undefined);
    const runner = await sandbox.gitlab.Runners.show(Number(runnerId));
    assert.equal(runner.runner_type, "instance_type");
    assert.equal((await config())["cache"], undefined);
    assert.equal((await sandbox.exec("mc", "ls", "minio")).trim(), "");
    const untagged = await sandbox.command("job", jobFile({ tags: [], script: ["echo no tags needed"] }));
    assert.match(untagged.all, /no tags needed[\s\S]*Job succeeded/);
    await staysAndGoes("gitlab-runner");
  });

  test("hardened: pods that meet `restricted`, a closed network, a quota, and managers that survive a drain", async () => {
    await deploy("hardened");
    for (const name of ["gitlab-runner", "ci-jobs"]) {
      const { metadata } = await sandbox.kubectl<{ metadata: { labels: object } }>("get", "namespace", name);
      assert.partialDeepStrictEqual(metadata.labels, { "pod-security.kubernetes.io/enforce": "restricted" });
      const { items } = await sandbox.kubectl<{ items: Named[] }>("--namespace", name, "get", "networkpolicies");
      assert.ok(items.some(({ metadata: policy }) => policy.name === "default-deny"));
    }
    const pod = await podOf("ci-jobs", {});
    assert.partialDeepStrictEqual(pod.spec["securityContext"], {
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    for (const { name, securityContext } of pod.spec.containers) {
      assert.partialDeepStrictEqual(securityContext, { allowPrivilegeEscalation: false }, name);
    }
    const root = await sandbox.command(
      ...["exec", "--", "kubectl", "--namespace", "ci-jobs", "run", "root", "--image", "alpine", "--restart", "Never"],
    );
    assert.match(root.all, /violates PodSecurity "restricted/, "another pod, with Kubernetes' defaults, is refused");
    const foreign = await sandbox.command("job", jobFile({ image: "docker.io/library/alpine:latest" }));
    assert.equal(foreign.exitCode, 1);
    assert.match(foreign.all, /is not one that the runner's configuration allows: registry\.example\.com\/ci\/\*\*/);

    const budget = await sandbox.kubectl<{ status: object }>(
      ...["--namespace", "gitlab-runner", "get", "poddisruptionbudget", "gitlab-runner"],
    );
    assert.partialDeepStrictEqual(budget.status, { currentHealthy: 2, disruptionsAllowed: 1 });
    const quota = await sandbox.kubectl<{ status: { hard: object; used: object } }>(
      ...["--namespace", "ci-jobs", "get", "resourcequota", "gitlab-runner"],
    );
    assert.partialDeepStrictEqual(quota.status, { hard: { pods: "20" }, used: { pods: "0" } });
    await staysAndGoes("gitlab-runner", "ci-jobs");
  });
});
