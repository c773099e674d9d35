import { randomBytes } from "node:crypto";
import { matchesGlob } from "node:path/posix";
import type { V1Container, V1Pod } from "@kubernetes/client-node";
import { execa } from "execa";
import { model, type Plain } from "../../tools/kubernetes-model.ts";
import { runnerVersion, type GitLabJob } from "./gitlab-jobs.ts";
import { containerResources } from "./job-resources.ts";
import type { JobVariables } from "./job-variables.ts";

import { shortToken, type KubernetesSettings, type RunnerEntry } from "./runner-config.ts";

/** Inputs of a job's pod. */
export interface JobPodInput {
  readonly job: GitLabJob;
  readonly runner: RunnerEntry;
  readonly variables: JobVariables;
  readonly name: string;
  /** The `kubectl` program, which applies the patches of `pod_spec`. */
  readonly kubectl: string;
}

const imagePolicies: Readonly<Record<string, string>> = {
  always: "Always",
  "if-not-present": "IfNotPresent",
  never: "Never",
};

/** Name of a job's pod, as the runner's Kubernetes executor builds it. */
export function jobPodName(runner: RunnerEntry, job: GitLabJob): string {
  const short = shortToken(runner.token)
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "");
  return `runner-${short}-project-${job.job_info.project_id}-concurrent-0-${randomBytes(4).toString("hex")}`;
}

/**
 * The pod of a job, as `[runners.kubernetes]` describes it: containers `build` and `helper`, the same settings in the same
 * places as the runner's executor. Rejects for an image or resources that the configuration does not allow, and for a
 * patch that cannot be applied.
 */
export async function jobPod({ job, runner, variables, name, kubectl }: JobPodInput): Promise<V1Pod> {
  const settings = runner.kubernetes;
  const image = variables.expand(job.image?.name ?? settings.image);
  requireAllowed(image, settings);
  const volumes = settings.volumes.config_map;
  const container = (container: "build" | "helper", imageName: string): Plain<V1Container> => ({
    name: container,
    image: imageName,
    imagePullPolicy: imagePolicies[settings.pull_policy[0] ?? ""],
    resources: containerResources(settings, container, variables),
    securityContext: {
      privileged: settings.privileged,
      allowPrivilegeEscalation: settings.allow_privilege_escalation,
      // As in the runner, which always drops NET_RAW.
      capabilities: { drop: ["NET_RAW", ...settings.cap_drop] },
    },
    command: ["sh", "-c", "if [ -x /bin/bash ]; then exec /bin/bash; else exec /bin/sh; fi"],
    stdin: true,
    volumeMounts: [
      { name: "repo", mountPath: "/builds" },
      ...volumes.map((volume) => ({ name: volume.name, mountPath: volume.mount_path, readOnly: volume.read_only })),
    ],
  });
  const helper = container(
    "helper",
    settings.helper_image ??
      `registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:x86_64-v${runnerVersion}`,
  );
  const security = settings.pod_security_context;

  const pod = model<V1Pod>({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: settings.namespace,
      labels: { ...ownLabels(job, name), ...expandAll(settings.pod_labels, variables) },
      annotations: { ...ownAnnotations(job), ...expandAll(settings.pod_annotations, variables) },
    },
    spec: {
      restartPolicy: "Never",
      serviceAccountName: settings.service_account,
      automountServiceAccountToken: settings.automount_service_account_token,
      priorityClassName: settings.priority_class_name,
      runtimeClassName: settings.runtime_class_name,
      nodeSelector: settings.node_selector,
      tolerations: tolerations(settings.node_tolerations),
      imagePullSecrets: settings.image_pull_secrets.map((secret) => ({ name: secret })),
      securityContext: {
        runAsUser: security.run_as_user,
        runAsGroup: security.run_as_group,
        runAsNonRoot: security.run_as_non_root,
        fsGroup: security.fs_group,
      },
      volumes: [
        { name: "repo", emptyDir: {} },
        ...volumes.map((volume) => ({ name: volume.name, configMap: { name: volume.name } })),
      ],
      initContainers: [{ ...helper, name: "init-permissions", command: ["sh", "-c", "true"], stdin: false }],
      containers: [container("build", image), helper],
    },
  });
  return runner.feature_flags.FF_USE_ADVANCED_POD_SPEC_CONFIGURATION === true
    ? patched(pod, settings.pod_spec, kubectl)
    : pod;
}

/** kubectl applies the patches, one after the other. */
async function patched(pod: V1Pod, patches: KubernetesSettings["pod_spec"], kubectl: string): Promise<V1Pod> {
  let result = pod;
  for (const { name, patch, patch_type: type } of patches) {
    // The runner's patches apply to the spec, kubectl's to the whole pod.
    const change: unknown =
      type === "json"
        ? (JSON.parse(patch) as { path: string }[]).map((one) => ({ ...one, path: `/spec${one.path}` }))
        : { spec: JSON.parse(patch) as unknown };
    const args = ["patch", "--local", "--filename", "-", "--type", type, "--patch", JSON.stringify(change)];
    const { exitCode, stdout, stderr } = await execa(kubectl, [...args, "--output", "json"], {
      input: JSON.stringify(result),
      reject: false,
      timeout: 30_000,
    });
    if (exitCode !== 0) {
      throw new Error(`pod_spec patch ${name}: ${stderr}`);
    }
    result = JSON.parse(stdout) as V1Pod;
  }
  return result;
}

/** The ones by which the page, the doctor and `npm run status` recognize a job's pod. */
function ownLabels({ job_info: info }: GitLabJob, pod: string): Record<string, string> {
  const [root = ""] = info.project_full_path.split("/");
  return {
    "job.runner.gitlab.com/pod": pod,
    "project.runner.gitlab.com/id": String(info.project_id),
    "project.runner.gitlab.com/name": info.project_name,
    "project.runner.gitlab.com/root-namespace": root,
  };
}

function ownAnnotations(job: GitLabJob): Record<string, string> {
  return {
    "job.runner.gitlab.com/id": String(job.id),
    "job.runner.gitlab.com/name": job.job_info.name,
    "job.runner.gitlab.com/timeout": `${job.runner_info.timeout}s`,
    "project.runner.gitlab.com/id": String(job.job_info.project_id),
  };
}

function expandAll(texts: Readonly<Record<string, string>>, variables: JobVariables): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, variables.expand(value)]));
}

/** `"key=value" = "Effect"`; without `=`, it tolerates any value; without effect, all effects. */
function tolerations(entries: Readonly<Record<string, string>>): object[] {
  return Object.entries(entries).map(([text, effect]) => {
    const [key = "", value] = text.split("=");
    return {
      ...(key !== "" && { key }),
      ...(value === undefined ? { operator: "Exists" } : { operator: "Equal", value }),
      ...(effect !== "" && { effect }),
    };
  });
}

/** The configured image is always allowed, and all images are if none are listed. */
function requireAllowed(image: string, { allowed_images: allowed, image: standard }: KubernetesSettings): void {
  if (allowed.length === 0 || image === standard || allowed.some((pattern) => matchesGlob(image, pattern))) {
    return;
  }
  throw new Error(`the image "${image}" is not one that the runner's configuration allows: ${allowed.join(", ")}`);
}
