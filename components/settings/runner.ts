import { z } from "zod";
import { cacheSettings } from "./cache.ts";
import { chartSettings } from "./chart.ts";
import { jobSettings } from "./jobs.ts";
import { managerSettings } from "./manager.ts";
import { networkPolicySettings, podSecurityLevel, quotaSettings } from "./namespace.ts";
import { runnerConfig } from "./runner-config.ts";
import { registrationSettings } from "./registration.ts";
import { input, object } from "./setting.ts";
import { namespaceName } from "./values.ts";

const namespace = "kubernetes:core/v1:Namespace";

/**
 * Every setting, declared once: its type, default, meaning, and where it goes. From here come the types and docs of
 * `GitLabRunnerArgs`, the tables of docs/configuration.md, and what Pulumi.yaml declares (`npm run generate`), the checks and
 * their messages, and a test that finds each setting where it goes.
 */
export const runnerSettings = object({
  gitlabUrl: input(
    z.url({ protocol: /^https?$/, error: "must be GitLab's http(s) address" }).default("https://gitlab.com"),
  ).meta({
    description: "Address of GitLab that the runner polls; that of the provider, `gitlab:baseUrl`, may differ.",
    to: { values: "gitlabUrl" },
  }),
  registration: registrationSettings.optional().meta({
    description: "The runner to create in GitLab.",
    unset: "none: `runnerToken` is that of an existing one",
  }),
  runnerToken: input(
    z
      .string()
      .trim()
      .regex(/^glrt-[\w.-]{20,}$/, "must be an authentication token, glrt-…; registration tokens no longer work"),
  )
    .optional()
    .meta({
      description:
        "Authentication token, `glrt-…`, of a runner that exists in GitLab; then none is created, and the settings of a new one must not be set.",
      unset: "that of the runner that is created",
      secret: true,
      example: "glrt-…",
      to: { resource: "kubernetes:core/v1:Secret", input: "stringData.runner-token" },
      comment: "Must be encrypted, which the program checks: `secret: true` would refuse the default.",
    }),
  rotation: input(z.string())
    .optional()
    .meta({
      description:
        "Change it to any other text, and the runner's token and the cache's keys are replaced, the new before the old.",
      unset: "none",
      example: "2026-11",
      to: { resource: "random:index/randomPassword:RandomPassword", input: "keepers.rotation" },
    }),
  namespace: namespaceName.optional().meta({
    description: "Namespace to create for the runner and its jobs.",
    unset: "the component's name: `gitlab-runner`",
    stackDefault: "gitlab-runner",
    example: "gitlab-runner",
    to: { resource: namespace, input: "metadata.name" },
  }),
  cache: z
    .union([z.literal(false), cacheSettings], { error: "must be false, or an object with keys" })
    .prefault({})
    .meta({
      description: "The build cache, or `false` for none.",
      unset: "a bucket in MinIO",
      secret: "inside",
      fix: "pulumi config rm cache    (for its defaults; no cache: pulumi config set cache false)",
      comment: "An object or false, which has no type here.",
    }),
  manager: managerSettings.prefault({}).meta({
    description: "The runner manager: the pod that polls GitLab and starts a pod for each job.",
  }),
  jobs: jobSettings.prefault({}).meta({ description: "The job pods.", secret: "inside" }),
  runnerConfig: runnerConfig.optional().meta({
    description:
      "Other keys of `[[runners]]` in the runner's `config.toml`, by the runner's own names, for what has no setting here; those that this program sets are refused.",
    unset: "none",
    source: "https://docs.gitlab.com/runner/configuration/advanced-configuration/#the-runners-section",
    example: { kubernetes: { poll_interval: 5 } },
    to: { toml: "" },
  }),
  linkerd: z
    .boolean()
    .default(false)
    .meta({
      description: "Let Linkerd inject its proxy into manager and job pods.",
      to: {
        resource: namespace,
        input: "metadata.labels.linkerd\\.io/inject",
        as: (injects: boolean) => (injects ? "enabled" : undefined),
      },
    }),
  chart: chartSettings.prefault({}).meta({ description: "GitLab's Helm chart.", secret: "inside" }),
  podSecurity: podSecurityLevel.optional().meta({
    description: "Pod Security level of the namespaces: `privileged`, `baseline` or `restricted`.",
    unset: "`baseline`, or `privileged` with Linkerd, whose init container needs it",
    source: "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
    example: "baseline",
    to: { resource: namespace, input: "metadata.labels.pod-security\\.kubernetes\\.io/enforce" },
  }),
  quota: quotaSettings.optional().meta({
    description:
      "Limits of all pods of the jobs' namespace together, as in a ResourceQuota, such as `requests.cpu`; a job beyond them fails.",
    unset: "none",
    source: "https://kubernetes.io/docs/concepts/policy/resource-quotas/",
    to: { resource: "kubernetes:core/v1:ResourceQuota", input: "spec.hard" },
  }),
  networkPolicy: z
    .union([z.boolean(), networkPolicySettings], { error: "must be true, false, or an object with keys" })
    .default(false)
    .meta({
      description: "Deny all traffic except what manager and jobs need: `true`, or where they may connect to.",
      example: true,
      to: { resource: "kubernetes:networking.k8s.io/v1:NetworkPolicy" },
      comment: "An object, true or false, which has no type here.",
    }),
  caCertificate: input(z.string())
    .optional()
    .meta({
      description: "Certificates of your own CA, as PEM without anything else, for GitLab and the object store.",
      unset: "none",
      example: "-----BEGIN CERTIFICATE-----…",
      to: { resource: "kubernetes:core/v1:ConfigMap", input: "data.ca\\.crt" },
      fix: `pulumi config set caCertificate -- "$(sed -n '/-BEGIN CERTIFICATE-/,/-END CERTIFICATE-/p' ca.pem)"`,
    }),
});

/** Keys of the settings that have keys of their own. */
export const groups = {
  cache: cacheSettings,
  manager: managerSettings,
  jobs: jobSettings,
  chart: chartSettings,
  networkPolicy: networkPolicySettings,
} as const;

/** All settings, with their defaults. */
export interface RunnerSettings extends z.output<typeof runnerSettings> {}
