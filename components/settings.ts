import { z } from "zod";

// The settings that are plain values: they decide what is created, so they must be known before anything is.
// Every default of the stack's configuration stands here, once.

/** CPU and memory, as Kubernetes quantities: `500m`, `2`, `512Mi`. */
const resourceList = z.strictObject({ cpu: z.string().optional(), memory: z.string().optional() });

/** What a container asks for and what it may use at most. */
const containerResources = z.strictObject({
  requests: resourceList.prefault({}),
  limits: resourceList.prefault({}),
});

const stringMap = z.record(z.string(), z.string());

/** A Kubernetes toleration; see https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
const toleration = z.strictObject({
  key: z.string().optional(),
  operator: z.enum(["Exists", "Equal"]).optional(),
  value: z.string().optional(),
  effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional(),
  tolerationSeconds: z.int().optional(),
});

/** Settings of the runner manager: the pod that polls GitLab and starts a pod for each job. */
export const managerSettings = z.strictObject({
  /** Jobs that run at the same time, over all managers' own share. @defaultValue 4 */
  concurrent: z.int().min(1).default(4),
  /** Seconds between two polls of GitLab. @defaultValue 30 */
  checkInterval: z.int().min(1).default(30),
  /** Manager pods; more than one gets a PodDisruptionBudget. @defaultValue 1 */
  replicas: z.int().min(1).default(1),
  /** Resources of the manager pod. @defaultValue 100m CPU and 128Mi, at most 200m and 256Mi */
  resources: containerResources.default({
    requests: { cpu: "100m", memory: "128Mi" },
    limits: { cpu: "200m", memory: "256Mi" },
  }),
  /** Labels that a node must have to run the manager. */
  nodeSelector: stringMap.default({}),
  /** Taints that the manager tolerates. */
  tolerations: z.array(toleration).default([]),
  /**
   * Seconds that jobs in progress get to finish when a manager stops, on destroy as on every rollout.
   * @defaultValue 3600, as in GitLab's chart
   */
  shutdownTimeout: z.int().min(0).default(3600),
  /** @defaultValue `info` */
  logLevel: z.enum(["debug", "info", "warn", "error", "fatal", "panic"]).default("info"),
  /** @defaultValue `runner` */
  logFormat: z.enum(["runner", "text", "json"]).default("runner"),
  /** Serve Prometheus metrics on port 9252. @defaultValue false */
  metrics: z.boolean().default(false),
});

/** Settings of the job pods. */
export const jobSettings = z.strictObject({
  /** Image of jobs that name none. @defaultValue `alpine:latest` */
  image: z.string().min(1).default("alpine:latest"),
  /** Run job containers privileged; every job then has root on its node. @defaultValue false */
  privileged: z.boolean().default(false),
  /** Resources of the build container. @defaultValue 500m CPU and 512Mi, at most 2 and 2Gi */
  resources: containerResources.default({
    requests: { cpu: "500m", memory: "512Mi" },
    limits: { cpu: "2", memory: "2Gi" },
  }),
  /** Resources of the helper container (clone, cache, artifacts). @defaultValue 100m CPU and 64Mi, at most 500m and 256Mi */
  helperResources: containerResources.default({
    requests: { cpu: "100m", memory: "64Mi" },
    limits: { cpu: "500m", memory: "256Mi" },
  }),
  /** Resources of each service container. @defaultValue none */
  serviceResources: containerResources.prefault({}),
  /** How images are pulled, tried in this order. @defaultValue `[if-not-present]` */
  pullPolicy: z
    .array(z.enum(["always", "if-not-present", "never"]))
    .min(1)
    .default(["if-not-present"]),
  /** Labels that a node must have to run jobs. */
  nodeSelector: stringMap.default({}),
  /** Taints that job pods tolerate. */
  tolerations: z.array(toleration).default([]),
  /** Labels of job pods. */
  podLabels: stringMap.default({}),
  /** Annotations of job pods. */
  podAnnotations: stringMap.default({}),
});

/** Settings of the build cache's bucket. */
export const cacheSettings = z.strictObject({
  /** @defaultValue `gitlab-runner-cache` */
  bucket: z.string().min(3).max(63).default("gitlab-runner-cache"),
  /** `host:port` that the runner and its jobs reach the object store at. @defaultValue `minio.minio.svc.cluster.local:9000` */
  server: z
    .string()
    .regex(/^[^/:\s]+(:\d+)?$/, "must be host or host:port, without https://")
    .default("minio.minio.svc.cluster.local:9000"),
  /** Talk plain HTTP to `server`. @defaultValue true */
  insecure: z.boolean().default(true),
  /** Never empty: the runner would ask AWS for it, and wait 30 s. @defaultValue `us-east-1` */
  region: z.string().min(1).default("us-east-1"),
  /** Days until a cache object is deleted. @defaultValue 14 */
  expireAfterDays: z.int().min(1).default(14),
  /** Use a bucket that exists already, instead of making one; its expiry rules stay as they are. @defaultValue false */
  adopt: z.boolean().default(false),
  /** Delete the bucket's objects along with the stack; else a bucket with objects in it stops a destroy. @defaultValue false */
  deleteWithStack: z.boolean().default(false),
});

/** Settings of the Helm chart. */
export const chartSettings = z.strictObject({
  /** @defaultValue `0.86.0` */
  version: z.string().min(1).default("0.86.0"),
  /** Helm repository. @defaultValue `https://charts.gitlab.io` */
  repository: z.url().default("https://charts.gitlab.io"),
  /** A chart folder or .tgz to install instead of one from the repository. */
  path: z.string().min(1).optional(),
  /** Seconds that the release may take to become ready. @defaultValue 300 */
  timeoutSeconds: z.int().min(1).default(300),
});

/** Limits of what all pods in the runner's namespace may use together, by Kubernetes' resource names (`requests.cpu`, `pods`, …). */
export const quotaSettings = z.record(z.string(), z.union([z.string(), z.int()]).transform(String));

/** Pod Security Standard; see https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
export const podSecurityLevel = z.enum(["privileged", "baseline", "restricted"]);

/** Complete {@link managerSettings}. */
export type ManagerSettings = z.output<typeof managerSettings>;
/** Complete {@link jobSettings}. */
export type JobSettings = z.output<typeof jobSettings>;
/** Complete {@link cacheSettings}. */
export type CacheSettings = z.output<typeof cacheSettings>;
/** Complete {@link chartSettings}. */
export type ChartSettings = z.output<typeof chartSettings>;
/** One of `privileged`, `baseline`, `restricted`. */
export type PodSecurityLevel = z.output<typeof podSecurityLevel>;
/** What a container asks for and may use. */
export type ContainerResources = z.output<typeof containerResources>;
