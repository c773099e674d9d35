import { z } from "zod";
import { containerResources } from "./resources.ts";
import { object } from "./setting.ts";
import { toleration } from "./tolerations.ts";
import { chartInteger, image, labels, nodeSelector, objectName } from "./values.ts";

/** Settings of the runner manager: the pod that polls GitLab and starts a pod for each job. */
export const managerSettings = object({
  concurrent: chartInteger.default(4).meta({
    description: "Most jobs that each manager pod runs at the same time.",
    to: { values: "concurrent" },
  }),
  checkInterval: chartInteger.default(30).meta({
    description: "Seconds between two requests to GitLab for new jobs.",
    to: { values: "checkInterval" },
  }),
  requestConcurrency: z
    .int()
    .min(1)
    .default(1)
    .meta({
      description: "Most requests to GitLab for new jobs at the same time.",
      example: 2,
      to: { toml: "request_concurrency" },
    }),
  replicas: chartInteger.default(1).meta({
    description: "Number of manager pods; with more than one, a PodDisruptionBudget is created.",
    example: 2,
    to: [{ values: "replicas" }, { resource: "kubernetes:policy/v1:PodDisruptionBudget" }],
  }),
  resources: containerResources
    .prefault({ requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "200m", memory: "256Mi" } })
    .meta({
      description: "Resources of the manager pod; replaced as a whole.",
      unset: "100m CPU and 128Mi, at most 200m and 256Mi",
      to: { values: "resources" },
    }),
  nodeSelector: nodeSelector.default({}).meta({
    description: "Labels that a node must have to run the manager.",
    unset: "none",
    to: { values: "nodeSelector" },
  }),
  tolerations: z
    .array(toleration)
    .default([])
    .meta({ description: "Taints that the manager tolerates.", unset: "none", to: { values: "tolerations" } }),
  affinity: object({
    nodeAffinity: z.looseObject({}).optional().meta({ description: "Nodes to run on.", unset: "any" }),
    podAffinity: z.looseObject({}).optional().meta({ description: "Pods to run close to.", unset: "none" }),
    podAntiAffinity: z.looseObject({}).optional().meta({ description: "Pods to keep away from.", unset: "none" }),
  })
    .prefault({})
    .meta({
      description: "Affinity of the manager pods, as in Kubernetes.",
      unset: "none",
      source: "https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#affinity-and-anti-affinity",
      to: { values: "affinity" },
    }),
  priorityClassName: objectName.optional().meta({
    description: "PriorityClass of the manager pods.",
    unset: "none",
    example: "system-cluster-critical",
    to: { values: "priorityClassName" },
  }),
  // No job runs for longer than a month: https://docs.gitlab.com/ci/pipelines/settings/#set-a-limit-for-how-long-jobs-can-run
  shutdownTimeout: z
    .int()
    .min(0)
    .max(30 * 24 * 3600)
    .default(3600)
    .meta({
      description: "Seconds that running jobs have to finish when a manager pod stops, as in every rollout.",
      to: { values: "terminationGracePeriodSeconds" },
    }),
  logLevel: z
    .enum(["debug", "info", "warn", "error", "fatal", "panic"])
    .default("info")
    .meta({ description: "Lowest level that the manager logs.", to: { values: "logLevel" } }),
  logFormat: z
    .enum(["runner", "text", "json"])
    .default("runner")
    .meta({ description: "Format of the manager's log.", to: { values: "logFormat" } }),
  metrics: z
    .boolean()
    .default(false)
    .meta({
      description: "Serve Prometheus metrics on port 9252.",
      example: true,
      to: { values: "metrics.enabled" },
    }),
  podMonitor: z
    .boolean()
    .default(false)
    .meta({
      description: "Create a PodMonitor for the metrics; needs the Prometheus Operator.",
      to: { values: "metrics.podMonitor.enabled" },
    }),
  alerts: z
    .boolean()
    .default(false)
    .meta({
      description: "Create a PrometheusRule with alerts; needs the Prometheus Operator.",
      example: true,
      to: { resource: "kubernetes:monitoring.coreos.com/v1:PrometheusRule" },
    }),
  dashboard: z
    .boolean()
    .default(false)
    .meta({
      description: "Create a ConfigMap with a dashboard of the metrics, which Grafana's sidecar finds.",
      example: true,
      to: { resource: "kubernetes:core/v1:ConfigMap" },
    }),
  monitoringLabels: labels.default({}).meta({
    description: "Labels of PodMonitor and PrometheusRule, by which the Prometheus Operator selects them.",
    unset: "none",
    example: { release: "kube-prometheus-stack" },
    to: {
      values: "metrics.podMonitor.labels",
      as: (labels: object) => (Object.keys(labels).length === 0 ? undefined : labels),
    },
  }),
  image: image
    .refine((name) => !name.includes("@"), "must have a tag, since GitLab's chart supports no digests")
    .refine((name) => /(^|\/)[^/:]*:[^/]+$/.test(name), "must have a tag, such as :alpine-v18.9.0")
    .optional()
    .meta({
      description: "Image of the manager, with a tag; the chart supports no digests.",
      unset: "the chart's own, `registry.gitlab.com/gitlab-org/gitlab-runner:alpine-v…`",
      example: "registry.example.com/gitlab-runner:alpine-v18.9.0",
      to: { values: "image", as: chartImage },
    }),
  certsSecret: objectName.optional().meta({
    description:
      "Name of an existing Secret in the manager's namespace with certificates to trust, each named after its host: " +
      "`gitlab.example.com.crt`. `caCertificate` creates one.",
    unset: "none",
    example: "gitlab-certs",
    to: { values: "certsSecretName" },
  }),
});

/** Complete settings of the runner manager. */
export interface ManagerSettings extends z.output<typeof managerSettings> {}

/** The chart's three parts of an image's name: it joins them to `registry/image:tag`. */
export function chartImage(name: string): { registry: string; image: string; tag: string } {
  const [, registry = "", image = "", tag = ""] =
    /^(?:((?=[^/]*[.:])[^/]*|localhost)\/)?(.+):([^:/]+)$/.exec(name) ?? [];
  return { registry, image, tag };
}
