import { z } from "zod";
import { metadataRanges } from "../cloud-metadata.ts";
import { peers } from "./namespace.ts";
import { imagePattern } from "./image-pattern.ts";
import { podSettings, pullPolicy } from "./job-pods.ts";
import { containerResources, overwriteMaximum, resourceKeys } from "./resources.ts";
import { object } from "./setting.ts";
import { toleration, tolerationTable } from "./tolerations.ts";
import {
  hasKeys,
  image,
  labelKey,
  labelValue,
  namespaceName,
  nodeSelector,
  objectName,
  textWithVariables,
} from "./values.ts";

/** A patch of the job pods' specification. */
export const podSpecPatch = object({
  name: z.string().min(1).meta({ description: "Name of the patch, for the runner's log.", example: "hostname" }),
  type: z.enum(["strategic", "merge", "json"]).default("strategic").meta({
    description: "How to apply it: as a strategic merge patch, a JSON merge patch or a JSON patch.",
  }),
  patch: z
    .union([z.record(z.string(), z.json()), z.array(z.json())], { error: "must be an object, or a list of operations" })
    .meta({
      description: "Part of a pod's `spec`, or the list of operations of a JSON patch.",
      example: { hostname: "ci" },
    }),
})
  .superRefine(({ type, patch }, context) => {
    const issue = (path: (string | number)[], message: string, example: unknown) => {
      context.addIssue({ code: "custom", path, message, params: { example } });
    };
    if (type === "json" && !Array.isArray(patch)) {
      issue(["type"], "must be strategic or merge where the patch is an object", "strategic");
    }
    if (type !== "json" && Array.isArray(patch)) {
      issue(["type"], "must be json where the patch is a list of operations", "json");
    }
    (Array.isArray(patch) ? patch : []).forEach((operation, index) => {
      const wrong = wrongPart(operation);
      if (wrong !== undefined) {
        issue(["patch", index, ...wrong.path], wrong.message, wrong.example);
      }
    });
  })
  .meta({ id: "PodSpecPatch", description: "A patch of the job pods' specification." });

/**
 * Source: https://www.rfc-editor.org/rfc/rfc6902#section-4
 * @returns what is wrong with an operation of a JSON patch; undefined for nothing
 */
function wrongPart(operation: unknown): { path: string[]; message: string; example: unknown } | undefined {
  if (!hasKeys({ value: operation })) {
    return { path: [], message: "must be an operation, with op and path", example: { op: "remove" } };
  }
  const { op, path, from, value } = operation as Record<string, unknown>;
  const isPointer = (text: unknown) => typeof text === "string" && /^(\/|$)/.test(text);
  const pointer = { message: "must be where it is in the pod's spec, such as /hostname", example: "/hostname" };
  if (!isPointer(path)) {
    return { path: ["path"], ...pointer };
  }
  if (op === "remove" || ((op === "move" || op === "copy") && isPointer(from))) {
    return undefined;
  }
  if (op === "move" || op === "copy") {
    return { path: ["from"], ...pointer };
  }
  if (op !== "add" && op !== "replace" && op !== "test") {
    return { path: ["op"], message: "must be add, remove, replace, move, copy or test", example: "remove" };
  }
  return value === undefined ? { path: ["value"], message: `must be set with ${op}`, example: "ci" } : undefined;
}

const patterns = z.array(imagePattern).default([]);

/** Settings of the job pods. */
export const jobSettings = object({
  image: image.default("alpine:latest").meta({
    description: "Image of jobs that name none.",
    to: { toml: "kubernetes.image" },
  }),
  helperImage: image.optional().meta({
    description: "Image of the helper (clone, cache, artifacts), such as a copy in your own registry.",
    unset: "the runner's own, `registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:…`",
    example: "registry.example.com/gitlab-runner-helper:x86_64-v18.9.0",
    to: { toml: "kubernetes.helper_image" },
  }),
  privileged: z
    .boolean()
    .default(false)
    .meta({
      description: "Run job containers privileged; every job can then become root on its node.",
      to: { toml: "kubernetes.privileged" },
    }),
  resources: containerResources
    .prefault({ requests: { cpu: "500m", memory: "512Mi" }, limits: { cpu: "2", memory: "2Gi" } })
    .meta({
      description: "Resources of the build container; replaced as a whole.",
      unset: "500m CPU and 512Mi, at most 2 and 2Gi",
      to: { toml: "kubernetes", as: resourceKeys("") },
    }),
  helperResources: containerResources
    .prefault({ requests: { cpu: "100m", memory: "64Mi" }, limits: { cpu: "500m", memory: "256Mi" } })
    .meta({
      description: "Resources of the helper container (clone, cache, artifacts); replaced as a whole.",
      unset: "100m CPU and 64Mi, at most 500m and 256Mi",
      to: { toml: "kubernetes", as: resourceKeys("helper_") },
    }),
  serviceResources: containerResources.prefault({}).meta({
    description: "Resources of each service container.",
    unset: "none",
    to: { toml: "kubernetes", as: resourceKeys("service_") },
  }),
  overwriteMaxAllowed: object({
    build: overwriteMaximum.prefault({}).meta({
      description: "For the build container.",
      unset: "nothing",
      to: { toml: "kubernetes", as: resourceKeys("", "_overwrite_max_allowed") },
    }),
    helper: overwriteMaximum.prefault({}).meta({
      description: "For the helper container.",
      unset: "nothing",
      to: { toml: "kubernetes", as: resourceKeys("helper_", "_overwrite_max_allowed") },
    }),
    service: overwriteMaximum.prefault({}).meta({
      description: "For each service container.",
      unset: "nothing",
      to: { toml: "kubernetes", as: resourceKeys("service_", "_overwrite_max_allowed") },
    }),
  })
    .prefault({})
    .meta({
      description: "The most that a job may request by variables such as `KUBERNETES_CPU_REQUEST`, by container.",
      unset: "nothing: jobs get what is configured",
      source: "https://docs.gitlab.com/runner/executors/kubernetes/#overwrite-container-resources",
    }),
  pullPolicy: z
    .array(pullPolicy)
    .min(1)
    .default(["if-not-present"])
    .meta({
      description: "How images are pulled, tried in this order.",
      example: ["if-not-present"],
      to: { toml: "kubernetes.pull_policy" },
    }),
  imagePullSecrets: z
    .array(objectName)
    .default([])
    .meta({
      description: "Names of Secrets to pull images with, in the jobs' namespace.",
      unset: "none",
      example: ["registry"],
      to: { toml: "kubernetes.image_pull_secrets" },
    }),
  allowedImages: patterns.meta({
    description: "Images that jobs may use, as patterns such as `registry.example.com/**`.",
    unset: "all",
    example: ["registry.example.com/**"],
    to: { toml: "kubernetes.allowed_images" },
  }),
  allowedServices: patterns.meta({
    description: "Images that jobs may use as services, as patterns.",
    unset: "all",
    example: ["registry.example.com/**"],
    to: { toml: "kubernetes.allowed_services" },
  }),
  environment: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of a variable"),
      textWithVariables.meta({ secret: "inside" }),
    )
    .default({})
    .meta({
      description:
        "Variables of every job, such as those of a proxy; no place for secrets. `$NAME` stands for another variable of the job, `$$` for `$`.",
      unset: "none",
      example: { NO_PROXY: ".svc" },
      to: {
        toml: "environment",
        as: (variables: object) => Object.entries(variables).map(([name, value]) => `${name}=${String(value)}`),
      },
    }),
  nodeSelector: nodeSelector.default({}).meta({
    description: "Labels that a node must have to run jobs.",
    unset: "none",
    to: { toml: "kubernetes.node_selector" },
  }),
  tolerations: z
    .array(toleration)
    .default([])
    .meta({
      description:
        "Taints that job pods tolerate; the runner supports neither `tolerationSeconds` nor two tolerations of the same key and value.",
      unset: "none",
      to: { toml: "kubernetes.node_tolerations", as: tolerationTable },
    }),
  priorityClassName: objectName.optional().meta({
    description: "PriorityClass of the job pods.",
    unset: "none",
    example: "ci",
    to: { toml: "kubernetes.priority_class_name" },
  }),
  runtimeClassName: objectName.optional().meta({
    description: "RuntimeClass of the job pods, such as `gvisor`.",
    unset: "none",
    example: "gvisor",
    to: { toml: "kubernetes.runtime_class_name" },
  }),
  podLabels: z
    .record(
      labelKey
        .refine((key) => !/(^|\.)runner\.gitlab\.com\//.test(key), "must not be one of the runner's own labels")
        // Its value may be a variable that a job sets: its pod would then be one of the manager's, for NetworkPolicies, too.
        .refine((key) => key !== "app", "must not be app, which tells the manager's pods from those of jobs"),
      textWithVariables
        .refine((value) => value.includes("$") || labelValue.test(value), "must be the value of a label")
        .meta({ example: "platform" }),
    )
    .default({})
    .meta({
      description: "Labels of job pods; values may have variables of the job, such as `$CI_PROJECT_ID`.",
      unset: "none",
      example: { team: "platform" },
      to: { toml: "kubernetes.pod_labels" },
    }),
  podAnnotations: z
    .record(labelKey, textWithVariables)
    .default({})
    .meta({
      description: "Annotations of job pods; values may have variables of the job.",
      unset: "none",
      example: { "example.com/team": "platform" },
      to: { toml: "kubernetes.pod_annotations" },
    }),
  serviceAccount: objectName.optional().meta({
    description: "Name of an existing ServiceAccount for job pods, which get no token of it by themselves.",
    unset: "their own, without rights",
    example: "ci-jobs",
    to: { toml: "kubernetes.service_account" },
  }),
  automountServiceAccountToken: z
    .boolean()
    .default(false)
    .meta({
      description: "Mount the token of `serviceAccount` into job pods; every job can then do what the account may.",
      to: { toml: "kubernetes.automount_service_account_token" },
    }),
  namespace: namespaceName.optional().meta({
    description: "Namespace for job pods alone, to create.",
    unset: "the manager's",
    example: "ci-jobs",
    to: [{ toml: "kubernetes.namespace" }, { resource: "kubernetes:core/v1:Namespace", input: "metadata.name" }],
  }),
  cloudMetadata: z
    .boolean()
    .default(false)
    .meta({
      description: "Let jobs reach the cloud's metadata service, and with it the credentials of their node.",
      to: {
        resource: "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        input: "spec.egress.2.to",
        as: (isOpen: boolean) => (isOpen ? peers(metadataRanges) : undefined),
      },
    }),
  ...podSettings,
  podSpec: z
    .array(podSpecPatch)
    .default([])
    .meta({
      description:
        "Patches of the job pods' specification, for what has no setting here; a beta feature of the runner.",
      unset: "none",
      source: "https://docs.gitlab.com/runner/executors/kubernetes/#overwrite-generated-pod-specifications",
      to: { toml: "kubernetes.pod_spec", as: podSpecPatches },
    }),
});

/** Complete settings of the job pods. */
export interface JobSettings extends z.output<typeof jobSettings> {}

/** @returns patches as the runner takes them, with JSON in a text */
export function podSpecPatches(patches: readonly z.output<typeof podSpecPatch>[]) {
  return patches.map(({ name, type, patch }) => ({ name, patch_type: type, patch: JSON.stringify(patch) }));
}
