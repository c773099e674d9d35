import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { parseQuantity } from "./quantity.ts";

// The settings that are plain values: they decide what is created, so they must be known before anything is.
// Every default stands here, once. The `example` of a schema is a value that would be right: messages on a wrong one show it.

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A DNS label, which Kubernetes wants as the name of a namespace; see https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
export const dnsLabel = z.string().regex(label, "must be a DNS label: a-z, 0-9 and -, 63 characters at most");

/** Name of most Kubernetes objects: DNS labels, joined by dots. */
const objectName = z
  .string()
  .max(253)
  .refine((name) => name.split(".").every((part) => label.test(part)), "must be the name of a Kubernetes object");

const cpu = z
  .union([z.string(), z.number()], { error: "must be an amount of CPU" })
  .transform(String)
  .refine((text) => /^(\d+(\.\d{1,3})?|\d+m)$/.test(text), "must be an amount of CPU: cores, or thousandths with m")
  .meta({ example: "500m" });

const bytes = z
  .union([z.string(), z.number()], { error: "must be a number of bytes" })
  .transform(String)
  .refine(
    (text) => parseQuantity(text) !== undefined && !text.endsWith("m"),
    "must be a number of bytes, with a suffix such as Mi or Gi (m would be thousandths of a byte)",
  )
  .meta({ example: "512Mi" });

/** CPU and memory, as Kubernetes quantities: `500m`, `2`, `512Mi`. */
const resourceList = z.strictObject({
  cpu: cpu.optional(),
  memory: bytes.optional(),
  "ephemeral-storage": bytes.optional(),
});

/** What a container asks for and what it may use at most. */
const containerResources = z
  .strictObject({ requests: resourceList.prefault({}), limits: resourceList.prefault({}) })
  .superRefine(({ requests, limits }, context) => {
    for (const name of ["cpu", "memory", "ephemeral-storage"] as const) {
      const [request, limit] = [requests[name], limits[name]];
      if (request !== undefined && limit !== undefined && (parseQuantity(request) ?? 0) > (parseQuantity(limit) ?? 0)) {
        context.addIssue({
          code: "custom",
          path: ["requests", name],
          message: `must not be above the limit, ${limit}`,
          params: { example: limit },
        });
      }
    }
  });

const labelName = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** Name of a label or annotation; see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ */
const labelKey = z.string().regex(labelName, "must be the name of a label, such as example.com/team");

const nodeSelector = z
  .record(labelKey, z.string().regex(labelValue, "must be the value of a label: 63 characters at most"))
  .meta({ exampleKey: "kubernetes.io/hostname", example: { "kubernetes.io/hostname": "polycephala" } });

/** A Kubernetes toleration; see https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
const toleration = z
  .strictObject({
    key: labelKey.optional().meta({ example: "ci" }),
    operator: z.enum(["Exists", "Equal"]).optional().meta({ example: "Exists" }),
    value: z.string().regex(labelValue, "must be the value of a label").optional(),
    effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional().meta({ example: "NoSchedule" }),
    tolerationSeconds: z.int().optional(),
  })
  .superRefine(({ key, operator, value, effect, tolerationSeconds }, context) => {
    const issue = (path: string, message: string, example: unknown) => {
      context.addIssue({ code: "custom", path: [path], message, params: { example } });
    };
    if (operator === "Exists" && value !== undefined) {
      issue("operator", "must be Equal where there is a value", "Equal");
    }
    if (key === undefined && operator !== "Exists") {
      issue("operator", "must be Exists where there is no key: it then tolerates every taint", "Exists");
    }
    if (tolerationSeconds !== undefined && effect !== "NoExecute") {
      issue("effect", "must be NoExecute where there are tolerationSeconds", "NoExecute");
    }
  });

const image = z
  .string()
  .regex(/^[a-z0-9][a-zA-Z0-9._:/@-]*$/, "must be the name of a container image")
  .meta({ example: "alpine:latest" });

/** Settings of the runner manager: the pod that polls GitLab and starts a pod for each job. */
export const managerSettings = z.strictObject({
  /** Jobs that each manager pod runs at the same time. @defaultValue 4 */
  concurrent: z.int().min(1).default(4),
  /** Seconds between two polls of GitLab. @defaultValue 30 */
  checkInterval: z.int().min(1).default(30),
  /** Polls for jobs that may be under way at the same time. @defaultValue 1, as in the runner */
  requestConcurrency: z.int().min(1).default(1).meta({ example: 2 }),
  /** Manager pods; more than one gets a PodDisruptionBudget. @defaultValue 1 */
  replicas: z.int().min(1).default(1).meta({ example: 2 }),
  /** Resources of the manager pod. @defaultValue 100m CPU and 128Mi, at most 200m and 256Mi */
  resources: containerResources.prefault({
    requests: { cpu: "100m", memory: "128Mi" },
    limits: { cpu: "200m", memory: "256Mi" },
  }),
  /** Labels that a node must have to run the manager. @defaultValue none */
  nodeSelector: nodeSelector.default({}),
  /** Taints that the manager tolerates. @defaultValue none */
  tolerations: z.array(toleration).default([]),
  /** Affinity of the manager pods, as in Kubernetes. @defaultValue none */
  affinity: z
    .strictObject({
      nodeAffinity: z.looseObject({}).optional(),
      podAffinity: z.looseObject({}).optional(),
      podAntiAffinity: z.looseObject({}).optional(),
    })
    .default({}),
  /** PriorityClass of the manager pods. @defaultValue none */
  priorityClassName: objectName.optional().meta({ example: "system-cluster-critical" }),
  /**
   * Seconds that jobs in progress get to finish when a manager pod stops, as on every rollout.
   * @defaultValue 3600, as in GitLab's chart
   */
  shutdownTimeout: z.int().min(0).default(3600),
  /** What the manager logs. @defaultValue `info` */
  logLevel: z.enum(["debug", "info", "warn", "error", "fatal", "panic"]).default("info"),
  /** How the manager logs. @defaultValue `runner` */
  logFormat: z.enum(["runner", "text", "json"]).default("runner"),
  /** Serve Prometheus metrics on port 9252. @defaultValue false */
  metrics: z.boolean().default(false).meta({ example: true }),
  /** Make a PodMonitor for the metrics; the cluster needs Prometheus' operator. @defaultValue false */
  podMonitor: z.boolean().default(false).meta({ example: true }),
  /**
   * Image of the manager, with a tag; the chart takes no digest.
   * @defaultValue the chart's own, `registry.gitlab.com/gitlab-org/gitlab-runner:alpine-v…`
   */
  image: image
    .refine((name) => !name.includes("@"), "must have a tag, since GitLab's chart takes no digest")
    .refine((name) => /:[^/]+$/.test(name), "must have a tag, such as :alpine-v18.9.0")
    .optional()
    .meta({ example: "registry.example.com/gitlab-runner:alpine-v18.9.0" }),
  /**
   * Name of a Secret in the manager's namespace with certificates to trust, each named after its host:
   * `gitlab.example.com.crt`. `caCertificate` makes one; this is for one that something else keeps.
   * @defaultValue none
   */
  certsSecret: objectName.optional().meta({ example: "gitlab-certs" }),
});

const patternList = z.array(z.string().min(1)).default([]);

/** The most that a job's own variables may ask for; what is not named, a job cannot change. */
const overwriteMaximum = z.strictObject({ requests: resourceList.prefault({}), limits: resourceList.prefault({}) });

/** Settings of the job pods. */
export const jobSettings = z.strictObject({
  /** Image of jobs that name none. @defaultValue `alpine:latest` */
  image: image.default("alpine:latest"),
  /** Run job containers privileged; every job then has root on its node. @defaultValue false */
  privileged: z.boolean().default(false),
  /** Resources of the build container. @defaultValue 500m CPU and 512Mi, at most 2 and 2Gi */
  resources: containerResources.prefault({
    requests: { cpu: "500m", memory: "512Mi" },
    limits: { cpu: "2", memory: "2Gi" },
  }),
  /** Resources of the helper container (clone, cache, artifacts). @defaultValue 100m CPU and 64Mi, at most 500m and 256Mi */
  helperResources: containerResources.prefault({
    requests: { cpu: "100m", memory: "64Mi" },
    limits: { cpu: "500m", memory: "256Mi" },
  }),
  /** Resources of each service container. @defaultValue none */
  serviceResources: containerResources.prefault({}),
  /**
   * The most that a job may ask for by variables such as `KUBERNETES_CPU_REQUEST`, for each of its containers.
   * @defaultValue nothing: jobs get what is configured
   */
  overwriteMaxAllowed: z
    .strictObject({
      build: overwriteMaximum.prefault({}),
      helper: overwriteMaximum.prefault({}),
      service: overwriteMaximum.prefault({}),
    })
    .prefault({}),
  /** How images are pulled, tried in this order. @defaultValue `[if-not-present]` */
  pullPolicy: z
    .array(z.enum(["always", "if-not-present", "never"]))
    .min(1)
    .default(["if-not-present"])
    .meta({ example: ["if-not-present"] }),
  /** Names of Secrets to pull images with, in the jobs' namespace. @defaultValue none */
  imagePullSecrets: z
    .array(objectName)
    .default([])
    .meta({ example: ["registry"] }),
  /** Images that jobs may use, as patterns such as `registry.example.com/**`. @defaultValue all */
  allowedImages: patternList.meta({ example: ["registry.example.com/**"] }),
  /** Images that jobs may use as services, as patterns. @defaultValue all */
  allowedServices: patternList.meta({ example: ["registry.example.com/**"] }),
  /** Variables that every job gets, such as those of a proxy; no place for secrets. @defaultValue none */
  environment: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of a variable"), z.string())
    .default({})
    .meta({ exampleKey: "NO_PROXY", example: { NO_PROXY: ".svc" } }),
  /** Labels that a node must have to run jobs. @defaultValue none */
  nodeSelector: nodeSelector.default({}),
  /** Taints that job pods tolerate; the runner knows neither `tolerationSeconds` nor two of the same key and value. @defaultValue none */
  tolerations: z.array(toleration).default([]),
  /** PriorityClass of the job pods. @defaultValue none */
  priorityClassName: objectName.optional().meta({ example: "ci" }),
  /** RuntimeClass of the job pods, such as `gvisor`. @defaultValue none */
  runtimeClassName: objectName.optional().meta({ example: "gvisor" }),
  /** Labels of job pods; values may hold variables of the job, such as `$CI_PROJECT_ID`. @defaultValue none */
  podLabels: z
    .record(
      labelKey.refine((key) => !/(^|\.)runner\.gitlab\.com\//.test(key), "must not be one of the runner's own labels"),
      z
        .string()
        .refine((value) => value.includes("$") || labelValue.test(value), "must be the value of a label")
        .meta({ example: "platform" }),
    )
    .default({})
    .meta({ exampleKey: "team", example: { team: "platform" } }),
  /** Annotations of job pods. @defaultValue none */
  podAnnotations: z
    .record(labelKey, z.string())
    .default({})
    .meta({ exampleKey: "example.com/team", example: { "example.com/team": "platform" } }),
  /** Name of a ServiceAccount for job pods that exists. @defaultValue one of their own, without rights */
  serviceAccount: objectName.optional().meta({ example: "ci-jobs" }),
  /** Namespace for job pods of their own, to create. @defaultValue the manager's */
  namespace: dnsLabel.optional().meta({ example: "ci-jobs" }),
  /**
   * Patches of the job pods' specification, for what has no setting here; a beta feature of the runner.
   * Source: https://docs.gitlab.com/runner/executors/kubernetes/#overwrite-generated-pod-specifications
   * @defaultValue none
   */
  podSpec: z
    .array(
      z.strictObject({
        name: z.string().min(1).meta({ example: "hostname" }),
        type: z.enum(["strategic", "merge", "json"]).default("strategic"),
        patch: z.union([z.record(z.string(), z.json()), z.array(z.json())]).meta({ example: { hostname: "ci" } }),
      }),
    )
    .default([]),
});

const secretText = z
  .custom<pulumi.Input<string>>(
    (value) =>
      (typeof value === "string" && value.trim() !== "") || pulumi.Output.isInstance(value) || value instanceof Promise,
    "must be text",
  )
  .meta({ secret: true });

const bucketName = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9.]{1,61})[a-z0-9]$/,
    "must be a bucket name: a-z, 0-9, - and ., 3 to 63 characters, a letter or digit at both ends",
  )
  .refine((name) => !/\.\.|\.-|-\./.test(name), "must not have two of . and - side by side, other than --")
  .refine((name) => !/^\d+(\.\d+){3}$/.test(name), "must not look like an IP address")
  .refine(
    (name) => !/^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3)$/.test(name),
    "must not start or end as S3's own names do (xn--, -s3alias, …)",
  );

/**
 * Settings of the build cache. Names of buckets: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 */
export const cacheSettings = z.strictObject({
  /** Name of the bucket. @defaultValue the runner's name with `-cache`: `gitlab-runner-cache` */
  bucket: bucketName.optional().meta({ example: "gitlab-runner-cache" }),
  /** `host:port` that the runner and its jobs reach the object store at. @defaultValue `minio.minio.svc.cluster.local:9000` */
  server: z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?$/, "must be host or host:port, without http:// or a path")
    .default("minio.minio.svc.cluster.local:9000"),
  /** Talk plain HTTP to `server`. @defaultValue true */
  insecure: z.boolean().default(true),
  /** Never empty: the runner would ask AWS for it, and wait 30 s. @defaultValue `us-east-1` */
  region: z
    .string()
    .regex(/^[A-Za-z0-9-]+$/, "must be the name of a region")
    .default("us-east-1"),
  /** Days until a cache object is deleted. @defaultValue 14 */
  expireAfterDays: z.int().min(1).optional().meta({ example: 14 }),
  /** The most that the bucket may hold, in bytes, such as `50Gi`. @defaultValue no limit */
  quota: bytes.optional().meta({ example: "50Gi" }),
  /** Use a bucket that exists already, instead of making one; its expiry rules and quota stay as they are. @defaultValue false */
  adopt: z.boolean().default(false),
  /** Delete the bucket's objects along with the stack; else a bucket with objects in it stops a destroy. @defaultValue false */
  deleteWithStack: z.boolean().optional().meta({ example: true }),
  /**
   * Keys of an S3-compatible store that something else keeps (AWS S3, Ceph, Garage, …): then nothing is made in MinIO.
   * @defaultValue a pair of keys made in MinIO, for the bucket alone
   */
  credentials: z.strictObject({ accessKey: secretText, secretKey: secretText }).optional(),
});

/** Settings of the Helm chart. */
export const chartSettings = z.strictObject({
  /** Version of the chart. @defaultValue `0.86.0` */
  version: z
    .string()
    .regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, "must be the exact version of a chart")
    .default("0.86.0"),
  /** Helm repository. @defaultValue `https://charts.gitlab.io` */
  repository: z
    .url({ protocol: /^https?$/, error: "must be the http(s) address of a Helm repository" })
    .optional()
    .meta({ example: "https://charts.gitlab.io" }),
  /** A chart folder or .tgz to install instead of one from the repository. @defaultValue none */
  path: z.string().min(1).optional().meta({ example: "./gitlab-runner-0.86.0.tgz" }),
  /** Seconds that the release may take to become ready. @defaultValue 300 */
  timeoutSeconds: z.int().min(1).default(300),
  /** Further values of the chart, for what has no setting here; those that the program sets are refused. @defaultValue none */
  values: z
    .record(z.string(), z.json())
    .default({})
    .meta({ exampleKey: "revisionHistoryLimit", example: { revisionHistoryLimit: 2 } }),
});

/** Limits of what all pods in the jobs' namespace may use together, by Kubernetes' resource names (`requests.cpu`, `pods`, …). */
export const quotaSettings = z
  .record(
    z
      .string()
      .regex(
        /^((requests|limits)\.)?(cpu|memory|ephemeral-storage)$|^requests\.storage$|^(count\/)?[a-z]+(\.[a-z.]+)?$|^requests\.[a-z.]+\/[a-z-]+$/,
        "must be the name of a resource, such as requests.cpu, limits.memory or pods",
      ),
    z
      .union([z.string(), z.int()])
      .transform(String)
      .refine((text) => parseQuantity(text) !== undefined, "must be a Kubernetes quantity")
      .meta({ example: "8" }),
  )
  .meta({ exampleKey: "requests.cpu", example: { "requests.cpu": "8" } });

const anywhere = ["0.0.0.0/0", "::/0"];
const ranges = z.array(z.union([z.cidrv4(), z.cidrv6()], { error: "must be a range of addresses" })).meta({
  example: ["10.0.0.0/8"],
});

/** Where pods may connect to under a NetworkPolicy. It knows addresses, no names: where those change, leave the default. */
export const networkPolicySettings = z.strictObject({
  /** Addresses of GitLab. @defaultValue any, at the port of `gitlabUrl` */
  gitlab: ranges.min(1).default(anywhere),
  /** Addresses of the object store. @defaultValue its namespace, where `cache.server` is a Service; else any, at its port */
  cache: ranges.min(1).optional(),
  /** Addresses of the Kubernetes API server. @defaultValue any, at the ports 443, 6443 and 16443 */
  apiServer: ranges.min(1).default(anywhere),
  /** What else jobs may reach, such as a package registry or, with `0.0.0.0/0`, everything. @defaultValue nothing */
  jobs: ranges.default([]),
});

/** Pod Security Standard; see https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
export const podSecurityLevel = z.enum(["privileged", "baseline", "restricted"]);

/** Settings of the runner manager, each with a default. @interface */
export type ManagerArgs = z.input<typeof managerSettings>;
/** Settings of the job pods, each with a default. @interface */
export type JobArgs = z.input<typeof jobSettings>;
/** Settings of the build cache, each with a default. @interface */
export type CacheArgs = z.input<typeof cacheSettings>;
/** Settings of the Helm chart, each with a default. @interface */
export type ChartArgs = z.input<typeof chartSettings>;
/** Where pods may connect to, each with a default. @interface */
export type NetworkPolicyArgs = z.input<typeof networkPolicySettings>;

/** Complete {@link ManagerArgs}. */
export type ManagerSettings = z.output<typeof managerSettings>;
/** Complete {@link JobArgs}. */
export type JobSettings = z.output<typeof jobSettings>;
/** Complete {@link CacheArgs}. */
export type CacheSettings = z.output<typeof cacheSettings>;
/** Complete {@link ChartArgs}. */
export type ChartSettings = z.output<typeof chartSettings>;
/** Complete {@link NetworkPolicyArgs}. */
export type NetworkPolicySettings = z.output<typeof networkPolicySettings>;
/** One of `privileged`, `baseline`, `restricted`. */
export type PodSecurityLevel = z.output<typeof podSecurityLevel>;
/** What a container asks for and may use. */
export type ContainerResources = z.output<typeof containerResources>;
