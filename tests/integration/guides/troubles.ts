import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Gitlab } from "@gitbeaker/rest";
import { gitlabUrl } from "../../../sandbox/environment.ts";
import { EmulatorControl } from "../../../sandbox/gitlab/control.ts";
import { otherProject, ownProject } from "../../../sandbox/gitlab-seed.ts";
import type { SandboxUnderTest } from "../sandbox-under-test.ts";
import type { Reader } from "./reader.ts";

/** What a section of docs/troubleshooting.md is about, once it has happened. */
export interface Trouble {
  /** What its sufferer sees, where a test can see it. */
  readonly seen?: string;
  /** Whether it is over, beyond what the doctor and a job tell. */
  readonly isOver?: () => Promise<boolean>;
}

const job = "probe: { script: [echo done], tags: [kubernetes] }";
const namespace = ["--namespace", "gitlab-runner"];
const up = "pulumi up --skip-preview";

/** @returns what makes the trouble of each section with commands happen, by the section's title */
export function troubles(reader: Reader, sandbox: SandboxUnderTest): Readonly<Record<string, () => Promise<Trouble>>> {
  const { state } = sandbox;
  const control = () => new EmulatorControl(gitlabUrl(state), state.secrets["emulatorToken"] ?? "");
  const api = () => new Gitlab({ host: gitlabUrl(state), token: state.secrets["gitlabToken"] ?? "" });
  const addCache = () =>
    sandbox.exec("mc", "cp", join(reader.clone, "README.md"), "minio/gitlab-runner-cache/project/cache.zip");
  const runnerId = async () => Number(await reader.run("pulumi stack output runnerId"));

  return {
    Troubleshooting: () => Promise.resolve({}),

    "This job is stuck": async () => {
      const { id } = await control().addJob({ projectId: ownProject.id, script: ["true"] });
      const isNow = async (status: string) => (await control().job(id)).status === status;
      await reader.job(job);
      assert.ok(await isNow("pending"), "the runner has taken a job without tags");
      // It is taken together with the job that is run after each section.
      return { isOver: () => isNow("success") };
    },

    'In the job\'s log: cannot create resource "pods", "pods/attach", …': async () => {
      const rules = '[{"op":"replace","path":"/rules/0/verbs","value":["get"]}]';
      await sandbox.exec("kubectl", ...namespace, "patch", "role", "gitlab-runner", "--type", "json", "--patch", rules);
      return { seen: (await reader.job(job)).trace };
    },

    "In the job's log: the cache is empty every time": async () => {
      await sandbox.exec("mc", "rb", "--force", "minio/gitlab-runner-cache");
      return {};
    },

    "Pods stay Pending": async () => {
      await reader.run(`pulumi config set --path 'jobs.nodeSelector["kubernetes.io/hostname"]' nowhere && ${up}`);
      // A job that no node takes ends with it, after a while; its pod is shown here without the job.
      const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "runner-of-a-job" },
        spec: {
          nodeSelector: { "kubernetes.io/hostname": "nowhere" },
          containers: [{ name: "build", image: "alpine" }],
        },
      };
      const file = join(sandbox.path, "pod.json");
      writeFileSync(file, JSON.stringify(pod));
      await sandbox.exec("kubectl", ...namespace, "apply", "--filename", file);
      await sandbox.exec("kubectl", ...namespace, "wait", "--for=condition=PodScheduled=false", "pod/runner-of-a-job");
      await sleep(1_000);
      return {};
    },

    "Cannot reach MinIO": async () => {
      reader.closeSecondTerminals();
      await sleep(500);
      return { seen: await reader.failing(up) };
    },

    "403 insufficient_scope": async () => {
      await control().addAccessToken({
        token: "glpat-without-the-scope-api",
        username: "homelab",
        scopes: ["create_runner", "manage_runner"],
      });
      await reader.run("echo glpat-without-the-scope-api | pulumi config set --secret gitlab:token");
      await reader.run("pulumi config set --path 'extraProjects[0]' homelab/website");
      return { seen: await reader.failing(up) };
    },

    "The runner is gone": async () => {
      const id = await runnerId();
      await api().Runners.disable(otherProject.id, id);
      await api().Runners.remove({ runnerId: id });
      return { seen: await reader.failing("npm run doctor -- --stack production") };
    },

    "incorrect passphrase": async () => {
      await reader.run("echo another > wrong-passphrase; export PULUMI_CONFIG_PASSPHRASE_FILE=$PWD/wrong-passphrase");
      return { seen: await reader.failing(up) };
    },

    "The stack is currently locked": async () => {
      await reader.run("pulumi config set rotation before-the-lock");
      await reader.killed(up, () =>
        reader.hasFiles("pulumi-state/.pulumi/locks/organization/gitlab-runner/production"),
      );
      return { seen: await reader.failing(up) };
    },

    "another operation is in progress, cannot re-use a name that is still in use": async () => {
      // Helm waits for a pod that no node takes, and is killed meanwhile.
      await sandbox.exec("kubectl", "cordon", "polycephala");
      const upgrade =
        "helm upgrade gitlab-runner gitlab-runner --repo https://charts.gitlab.io --version 0.86.0 " +
        "--namespace gitlab-runner --reuse-values --set podAnnotations.probe=x --wait";
      await reader.killed(upgrade, async () => {
        const query = ["get", "secrets", "--selector", "status=pending-upgrade", "--output", "name"];
        return (await sandbox.exec("kubectl", ...namespace, ...query)) !== "";
      });
      await sandbox.exec("kubectl", "uncordon", "polycephala");
      await reader.run("pulumi config set --path manager.concurrent 6");
      return { seen: await reader.failing(up) };
    },

    "no such type: PrometheusRule, PodMonitor": async () => {
      const withoutThem = ["podMonitor", "alerts", "monitoringLabels"].map(
        (key) => `pulumi config rm --path manager.${key}`,
      );
      await reader.run(`${withoutThem.join(" && ")} && ${up}`);
      await sandbox.exec("kubectl", "delete", "customresourcedefinitions", "--all");
      await reader.run("pulumi config set --path manager.alerts true");
      return { seen: await reader.failing(up) };
    },

    "Changing namespace or jobs.namespace interrupts the running jobs": async () => {
      await reader.run("pulumi config set --path jobs.namespace elsewhere");
      return { seen: await reader.run("pulumi preview") };
    },

    "Bucket is not empty, in pulumi up": async () => {
      await addCache();
      await reader.run("pulumi config set --path cache.bucket another-cache");
      return { seen: await reader.failing(up) };
    },

    "Bucket is not empty, in pulumi destroy": async () => {
      await sandbox.exec("mc", "rm", "--recursive", "--force", "minio/another-cache");
      await reader.run(`pulumi config rm --path cache.bucket && ${up}`);
      await addCache();
      return { seen: await reader.failing("pulumi destroy --skip-preview") };
    },

    "Runner associated with more than one project": async () => {
      await reader.run(up);
      const id = await runnerId();
      const forgotten = { id: 75488736, path: "homelab/forgotten" };
      await control().addProject(forgotten);
      await api().Runners.enable(forgotten.id, id);
      const seen = await reader.failing("pulumi destroy --skip-preview");
      await api().Runners.disable(forgotten.id, id);
      return { seen };
    },
  };
}
