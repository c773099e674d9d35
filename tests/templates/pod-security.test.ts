import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { V1Pod } from "@kubernetes/client-node";
import { execa } from "execa";
import getPort from "get-port";
import { configToml } from "../../components/config-toml.ts";
import { jobSettings, type JobSettings } from "../../components/settings/jobs.ts";
import type { PodSecurityLevel } from "../../components/settings/namespace.ts";
import { builtTools } from "../../tools/pinned-tools.ts";
import { someRelease } from "../unit/some-release.ts";
import { kubeconfigFile, startApiServer } from "../../sandbox/cluster.ts";
import { jobPod } from "../../sandbox/manager/job-pod.ts";
import { jobVariables } from "../../sandbox/manager/job-variables.ts";
import { registerRunner } from "../../sandbox/manager/runner-config.ts";
import { stopServers } from "../../sandbox/servers.ts";
import { SandboxFolder, type SandboxState } from "../../sandbox/sandbox-folder.ts";
import { documentedPodSecurity, stackConfigs } from "./documentation.ts";
import { job } from "../sandbox/manager-fixtures.ts";
import { builders, PipelineProject } from "./pipeline-project.ts";

const levels = ["privileged", "baseline", "restricted"] as const;

/** The jobs' settings of the documentation's examples, by the type of the profiles in them. */
function documentedJobs(type: "Unconfined" | "Localhost"): JobSettings {
  const found = stackConfigs().filter((config) => JSON.stringify(config).includes(type));
  assert.equal(found.length, 1, type);
  return jobSettings.parse(found[0]?.["gitlab-runner:jobs"]);
}

/** The pod that the stack's runner makes for a job of this image. */
function pod(jobs: JobSettings, podSecurity: PodSecurityLevel, image: string): Promise<V1Pod> {
  const toml = configToml(someRelease({ jobNamespace: podSecurity, jobAccount: "default", jobs, podSecurity }));
  const environment = { CI_SERVER_URL: "http://127.0.0.1:1", CI_SERVER_TOKEN: "glrt-0123456789abcdefghij" };
  const { runner } = registerRunner({ config: "", template: toml, environment, hostname: "manager" });
  const ofJob = job({ image });
  const variables = jobVariables(ofJob, runner, "/builds");
  return jobPod({ job: ofJob, runner, variables, name: "runner-job", kubectl: builtTools().kubectl });
}

describe("the pods of image builds, at a real API server", { timeout: 180_000 }, () => {
  const parent = mkdtempSync(join(tmpdir(), "gitlab-runner-test-"));
  const folder = new SandboxFolder(join(parent, "sandbox"));
  const project = new PipelineProject();
  const servers: SandboxState["servers"] = [];

  const kubectl = (args: readonly string[], input: object) =>
    execa(builtTools().kubectl, ["--kubeconfig", kubeconfigFile(folder), ...args, "--filename", "-"], {
      input: JSON.stringify(input),
      all: true,
      reject: false,
      timeout: 60_000,
    });

  before(async () => {
    const ports = await Promise.all(["etcd", "etcd-peer", "kubernetes"].map(async (name) => [name, await getPort()]));
    // As much of a sandbox as its API server needs.
    const partial: Partial<SandboxState> = {
      servers,
      ports: Object.fromEntries(ports) as Record<string, number>,
      secrets: { kubernetesToken: randomBytes(16).toString("hex") },
    };
    await startApiServer(folder, partial as SandboxState, builtTools());
    for (const level of levels) {
      const labels = { "pod-security.kubernetes.io/enforce": level };
      const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: level, labels } };
      const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: level } };
      for (const object of [namespace, account]) {
        const { exitCode, all } = await kubectl(["apply"], object);
        assert.equal(exitCode, 0, all);
      }
    }
    await project.create();
  });
  after(async () => {
    await stopServers(servers);
    rmSync(parent, { recursive: true, force: true });
    project.remove();
  });

  /** @returns why Kubernetes refuses the pod, or nothing */
  async function refusal(jobs: JobSettings, level: PodSecurityLevel, image: string): Promise<string | undefined> {
    const { exitCode, all } = await kubectl(["create", "--dry-run=server"], await pod(jobs, level, image));
    assert.ok(exitCode === 0 || all.includes("violates PodSecurity"), all);
    return exitCode === 0 ? undefined : all;
  }

  const plain = jobSettings.parse({});
  const cases = [
    ["without further settings", plain],
    ["with your own profiles", documentedJobs("Localhost")],
    ["without profiles", documentedJobs("Unconfined")],
  ] as const;

  for (const [index, [what, jobs]] of cases.entries()) {
    test(`${what}: admitted at the levels that the documentation names`, async () => {
      const row = documentedPodSecurity()[index];
      assert.ok(row && (index === 0 || row.title.includes(what)), row?.title);
      for (const builder of builders) {
        const { image } = await project.imageJob(builder);
        for (const level of levels) {
          const refused = await refusal(jobs, level, image?.name ?? "");
          if (level === "restricted") {
            // What Kubernetes admits there, a builder cannot work with.
            assert.equal(row.works[level], false);
          } else {
            assert.equal(refused === undefined, row.works[level], `${builder} at ${level}: ${refused ?? "admitted"}`);
          }
        }
      }
    });
  }

  test("the build container, and no other, has the documented profiles", async () => {
    const { spec } = await pod(documentedJobs("Unconfined"), "privileged", "builder");
    for (const { name, securityContext } of [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]) {
      const expected = name === "build" ? "Unconfined" : undefined;
      assert.equal(securityContext?.seccompProfile?.type, expected, name);
      assert.equal(securityContext?.appArmorProfile?.type, expected, name);
      assert.equal(securityContext?.privileged, false, name);
    }
  });

  test("a refusal names the profile", async () => {
    const message = await refusal(documentedJobs("Unconfined"), "baseline", "builder");
    assert.match(message ?? "", /forbidden AppArmor profile.*seccompProfile/s);
  });

  test("at restricted, the stack's job pods are admitted, as users who can neither be root nor gain rights", async () => {
    assert.equal(await refusal(plain, "restricted", "builder"), undefined);
    const { spec } = await pod(plain, "restricted", "builder");
    assert.equal(spec?.securityContext?.runAsNonRoot, true);
    assert.equal(spec.containers[0]?.securityContext?.allowPrivilegeEscalation, false);
  });
});
