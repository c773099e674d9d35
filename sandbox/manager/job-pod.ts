import { randomBytes } from "node:crypto";
import type { V1Container, V1Pod, V1SecurityContext } from "@kubernetes/client-node";
import { model, type Plain } from "../../tools/kubernetes-model.ts";
import type { GitLabJob } from "./gitlab-jobs.ts";
import { containerResources, JobNotAllowedError } from "./job-resources.ts";
import type { JobVariables } from "./job-variables.ts";
import { patchPodSpec } from "./pod-spec-patch.ts";
import { shortToken, type KubernetesSettings, type RunnerEntry } from "./runner-config.ts";

/** What a job's pod is made from. */
export interface JobPodInput {
  readonly job: GitLabJob;
  readonly runner: RunnerEntry;
  readonly variables: JobVariables;
  readonly name: string;
  /** Version of the manager, for the helper image's tag. */
  readonly version: string;
}

const imagePolicies: Readonly<Record<string, string>> = {
  always: "Always",
  "if-not-present": "IfNotPresent",
  never: "Never",
};

/** Name of a job's pod, as the runner's Kubernetes executor forms it. */
export function jobPodName(runner: RunnerEntry, job: GitLabJob, slot: number): string {
  const short = shortToken(runner.token)
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "");
  return `runner-${short}-project-${job.job_info.project_id}-concurrent-${slot}-${randomBytes(4).toString("hex")}`;
}

/**
 * The pod of a job, as `[runners.kubernetes]` describes it: containers `build`, `helper` and `svc-N`, the same settings
 * in the same places as the runner's executor. Throws {@link JobNotAllowedError} for an image or an amount of resources
 * that the configuration does not allow.
 */
export function jobPod(input: JobPodInput): V1Pod {
  const { job, runner, variables } = input;
  const settings = runner.kubernetes;
  const image = variables.expand(job.image?.name ?? settings.image);
  if (image === "") {
    throw new JobNotAllowedError("neither the job nor the runner's configuration names an image");
  }
  requireAllowed(image, settings.allowed_images, settings.image, "image");
  const services = job.services.map((service) => variables.expand(service.name));
  for (const service of services) {
    requireAllowed(service, settings.allowed_services, undefined, "service");
  }

  const helperImage =
    settings.helper_image ??
    `registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:x86_64-v${input.version}`;
  const mounted = [...settings.volumes.config_map, ...settings.volumes.secret];
  const mounts = mounted.map((volume) => ({
    name: volume.name,
    mountPath: volume.mount_path,
    readOnly: volume.read_only,
  }));
  const container = (name: string, what: "build" | "helper" | "service", imageName: string): Plain<V1Container> => ({
    name,
    image: imageName,
    imagePullPolicy: pullPolicy(settings, what === "build" ? job.image?.pull_policy : undefined),
    resources: containerResources(settings, what, variables),
    securityContext: containerSecurity(settings, what),
    ...(what !== "service" && {
      command: ["sh", "-c", "if [ -x /bin/bash ]; then exec /bin/bash; else exec /bin/sh; fi"],
      stdin: true,
    }),
    volumeMounts: [...(what === "service" ? [] : [{ name: "repo", mountPath: "/builds" }]), ...mounts],
  });

  const pod: Plain<V1Pod> = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: input.name,
      namespace: settings.namespace,
      labels: { ...ownLabels(input), ...expandAll(settings.pod_labels, variables) },
      annotations: { ...ownAnnotations(input), ...expandAll(settings.pod_annotations, variables) },
    },
    spec: {
      restartPolicy: "Never",
      serviceAccountName: settings.service_account,
      automountServiceAccountToken: settings.automount_service_account_token,
      priorityClassName: settings.priority_class_name,
      schedulerName: settings.scheduler_name,
      runtimeClassName: settings.runtime_class_name,
      terminationGracePeriodSeconds: settings.pod_termination_grace_period_seconds,
      nodeSelector: expandAll(settings.node_selector, variables),
      tolerations: tolerations(settings.node_tolerations),
      imagePullSecrets: settings.image_pull_secrets.map((name) => ({ name })),
      securityContext: podSecurity(settings),
      volumes: [
        { name: "repo", emptyDir: {} },
        ...settings.volumes.config_map.map(({ name }) => ({ name, configMap: { name } })),
        ...settings.volumes.secret.map(({ name }) => ({ name, secret: { secretName: name } })),
      ],
      initContainers: [
        {
          ...container("init-permissions", "helper", variables.expand(helperImage)),
          securityContext: containerSecurity(settings, "init_permissions"),
          command: ["sh", "-c", "true"],
          stdin: false,
        },
      ],
      containers: [
        container("build", "build", image),
        container("helper", "helper", variables.expand(helperImage)),
        ...services.map((service, index) => container(`svc-${index}`, "service", service)),
      ],
    },
  };
  const patches = runner.feature_flags.FF_USE_ADVANCED_POD_SPEC_CONFIGURATION === true ? settings.pod_spec : [];
  return model<V1Pod>({ ...pod, spec: patchPodSpec(pod.spec, patches) });
}

function ownLabels({ job, runner, name }: JobPodInput): Record<string, string> {
  const [root = ""] = (job.job_info.project_full_path ?? "").split("/");
  const labels = {
    "job.runner.gitlab.com/pod": name,
    "manager.runner.gitlab.com/id-short": shortToken(runner.token),
    "manager.runner.gitlab.com/name": runner.name,
    "project.runner.gitlab.com/id": String(job.job_info.project_id),
    "project.runner.gitlab.com/name": job.job_info.project_name,
    "project.runner.gitlab.com/namespace-id": String(job.job_info.namespace_id ?? ""),
    "project.runner.gitlab.com/root-namespace": root,
  };
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, labelValue(value)]));
}

function ownAnnotations({ job, variables }: JobPodInput): Record<string, string> {
  return {
    "job.runner.gitlab.com/id": String(job.id),
    "job.runner.gitlab.com/url": variables.values.get("CI_JOB_URL") ?? "",
    "job.runner.gitlab.com/sha": job.git_info?.sha ?? "",
    "job.runner.gitlab.com/before_sha": job.git_info?.before_sha ?? "",
    "job.runner.gitlab.com/ref": job.git_info?.ref ?? "",
    "job.runner.gitlab.com/name": job.job_info.name,
    "job.runner.gitlab.com/timeout": `${job.runner_info.timeout}s`,
    "project.runner.gitlab.com/id": String(job.job_info.project_id),
  };
}

function labelValue(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9_.-]/g, "_")
    .slice(0, 63)
    .replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
}

function expandAll(texts: Readonly<Record<string, string>>, variables: JobVariables): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, variables.expand(value)]));
}

/** `"key=value" = "Effect"`; no `=` tolerates any value, and no effect any effect. */
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

function pullPolicy(settings: KubernetesSettings, ofJob: readonly string[] | undefined): string | undefined {
  const [policy] = ofJob !== undefined && ofJob.length > 0 ? ofJob : [settings.pull_policy ?? []].flat();
  return policy === undefined ? undefined : (imagePolicies[policy] ?? policy);
}

function containerSecurity(
  settings: KubernetesSettings,
  what: "build" | "helper" | "service" | "init_permissions",
): Plain<V1SecurityContext> {
  const own = settings[`${what}_container_security_context`];
  const { seccomp_profile: seccomp } = own ?? {};
  // As the runner: it always drops NET_RAW, unless it is asked to add it.
  const add = [...settings.cap_add, ...(own?.capabilities?.add ?? [])];
  const drop = ["NET_RAW", ...settings.cap_drop, ...(own?.capabilities?.drop ?? [])];
  return {
    privileged: own?.privileged ?? settings.privileged,
    allowPrivilegeEscalation: own?.allow_privilege_escalation ?? settings.allow_privilege_escalation,
    runAsUser: own?.run_as_user,
    runAsGroup: own?.run_as_group,
    runAsNonRoot: own?.run_as_non_root,
    readOnlyRootFilesystem: own?.read_only_root_filesystem,
    capabilities: {
      ...(add.length > 0 && { add }),
      drop: [...new Set(drop)].filter((capability) => !add.includes(capability)),
    },
    ...(seccomp && { seccompProfile: { type: seccomp.type } }),
  };
}

function podSecurity(settings: KubernetesSettings): object {
  const own = settings.pod_security_context;
  return {
    runAsUser: own?.run_as_user,
    runAsGroup: own?.run_as_group,
    runAsNonRoot: own?.run_as_non_root,
    fsGroup: own?.fs_group,
    supplementalGroups: own?.supplemental_groups,
    ...(own?.seccomp_profile && { seccompProfile: { type: own.seccomp_profile.type } }),
  };
}

/** The configured default is allowed in any case, and so is everything where nothing is listed. */
function requireAllowed(name: string, allowed: readonly string[], standard: string | undefined, what: string): void {
  if (allowed.length === 0 || name === standard) {
    return;
  }
  const fits = (pattern: string) =>
    new RegExp(
      `^${pattern
        .split("**")
        .map((part) =>
          part
            .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
            .replaceAll("*", "[^/]*")
            .replaceAll("?", "[^/]"),
        )
        .join(".*")}$`,
    ).test(name);
  if (allowed.some(fits)) {
    return;
  }
  throw new JobNotAllowedError(
    `the ${what} "${name}" is not one that the runner's configuration allows: ${allowed.join(", ")}`,
  );
}
