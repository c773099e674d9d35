import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { parseQuantity } from "./quantity.ts";

// The settings that are plain values: they decide what is created, so they must be known before anything is.
// Every default stands here, once. The `example` of a schema is a value that would be right: messages on a wrong one show it.

/** As `z.strictObject`, through whose type comments on the keys would not come into the type declarations. */
function strictObject<Shape extends z.core.$ZodShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape);
}

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A DNS label, which Kubernetes wants as the name of a namespace; see https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ @internal */
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
const resourceList = strictObject({
  /** CPU: cores, such as `2` or `0.5`, or thousandths, such as `500m`. @defaultValue none */
  cpu: cpu.optional(),
  /** Memory in bytes, such as `512Mi` or `2Gi`. @defaultValue none */
  memory: bytes.optional(),
  /** Space on the node's own disk in bytes, such as `10Gi`. @defaultValue none */
  "ephemeral-storage": bytes.optional(),
});

/** What a container asks for and what it may use at most. */
const containerResources = strictObject({
  /** What the container asks for, and a node must have free. @defaultValue nothing */
  requests: resourceList.prefault({}),
  /** What the container may use at most. @defaultValue no limit */
  limits: resourceList.prefault({}),
}).superRefine(
  ({ requests, limits }, context) => {
    for (const name of ["cpu", "memory", "ephemeral-storage"]) {
      const [request, limit] = [amountOf(requests, name), amountOf(limits, name)];
      if ((parseQuantity(request) ?? 0) > (parseQuantity(limit) ?? Infinity)) {
        context.addIssue({
          code: "custom",
          path: ["requests", name],
          message: "must not be above the limit",
          params: { detail: `, ${limit}`, example: limit },
        });
      }
    }
  },
  // Also where another amount is wrong, so that all problems are named at once.
  { when: isObject },
);

function isObject({ value }: { readonly value: unknown }): boolean {
  return typeof value === "object" && value !== null;
}

/** @returns an amount out of what may be no list of amounts */
function amountOf(list: unknown, name: string): string {
  const amount = typeof list === "object" && list !== null ? (list as Record<string, unknown>)[name] : undefined;
  return typeof amount === "string" ? amount : "";
}

const labelName = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** Name of a label or annotation; see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ */
const labelKey = z.string().regex(labelName, "must be a name such as team or example.com/team");

const nodeSelector = z
  .record(labelKey, z.string().regex(labelValue, "must be the value of a label: 63 characters at most"))
  .meta({ example: { "kubernetes.io/hostname": "polycephala" } });

/** A Kubernetes toleration; see https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
const toleration = strictObject({
  /** Key of the taint. @defaultValue any; `operator` must then be `Exists` */
  key: labelKey.optional().meta({ example: "ci" }),
  /** `Equal` for taints of this `value`, `Exists` for taints of any. @defaultValue `Equal` */
  operator: z.enum(["Exists", "Equal"]).optional().meta({ example: "Exists" }),
  /** Value of the taint, with `Equal` only. @defaultValue the empty one */
  value: z.string().regex(labelValue, "must be the value of a label").optional().meta({ example: "build" }),
  /** Effect of the taint. @defaultValue every one */
  effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]).optional().meta({ example: "NoSchedule" }),
  /** Seconds that a pod may stay after the node got the taint, with `NoExecute` only. @defaultValue no limit */
  tolerationSeconds: z.int().optional().meta({ example: 300 }),
}).superRefine(({ key, operator, value, effect, tolerationSeconds }, context) => {
  const issue = (path: string, message: string, example: unknown) => {
    context.addIssue({ code: "custom", path: [path], message, params: { example } });
  };
  if (operator === "Exists" && value !== undefined) {
    issue("operator", "must be Equal where there is a value", "Equal");
  }
  if (key === undefined && value !== undefined) {
    issue("key", "must be set where there is a value", "ci");
  } else if (key === undefined && operator !== "Exists") {
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

/** Settings of the runner manager: the pod that polls GitLab and starts a pod for each job. @internal */
export const managerSettings = strictObject({
  /** Jobs that each manager pod runs at the same time. @defaultValue 4 */
  concurrent: z.int().min(1).default(4),
  /** Seconds between two polls of GitLab. @defaultValue 30 */
  checkInterval: z.int().min(1).default(30),
  /** Polls for jobs that may be under way at the same time. @defaultValue 1, as in the runner */
  requestConcurrency: z.int().min(1).default(1).meta({ example: 2 }),
  /** Manager pods; more than one gets a PodDisruptionBudget. @defaultValue 1 */
  replicas: z.int().min(1).default(1).meta({ example: 2 }),
  /** Resources of the manager pod; what is set replaces all of the default. @defaultValue 100m CPU and 128Mi, at most 200m and 256Mi */
  resources: containerResources.prefault({
    requests: { cpu: "100m", memory: "128Mi" },
    limits: { cpu: "200m", memory: "256Mi" },
  }),
  /** Labels that a node must have to run the manager. @defaultValue none */
  nodeSelector: nodeSelector.default({}),
  /** Taints that the manager tolerates, by `key`, `operator`, `value`, `effect` and `tolerationSeconds`, as in Kubernetes. @defaultValue none */
  tolerations: z.array(toleration).default([]),
  /** Affinity of the manager pods, as in Kubernetes. @defaultValue none */
  affinity: strictObject({
    /** Nodes to run on. @defaultValue none */
    nodeAffinity: z.looseObject({}).optional(),
    /** Pods to run beside. @defaultValue none */
    podAffinity: z.looseObject({}).optional(),
    /** Pods to keep away from. @defaultValue none */
    podAntiAffinity: z.looseObject({}).optional(),
  }).prefault({}),
  /** PriorityClass of the manager pods. @defaultValue none */
  priorityClassName: objectName.optional().meta({ example: "system-cluster-critical" }),
  /**
   * Seconds that jobs in progress get to finish when a manager pod stops, as on every rollout.
   * @defaultValue 3600, as in GitLab's chart
   */
  shutdownTimeout: z.int().min(0).default(3600),
  /** Least level that the manager logs. @defaultValue `info` */
  logLevel: z.enum(["debug", "info", "warn", "error", "fatal", "panic"]).default("info"),
  /** Format of the manager's log. @defaultValue `runner` */
  logFormat: z.enum(["runner", "text", "json"]).default("runner"),
  /** Serve Prometheus metrics on port 9252. @defaultValue false */
  metrics: z.boolean().default(false).meta({ example: true }),
  /** Make a PodMonitor for the metrics; the cluster needs Prometheus' operator. @defaultValue false */
  podMonitor: z.boolean().default(false),
  /** Make a PrometheusRule with alerts on the metrics; the cluster needs Prometheus' operator. @defaultValue false */
  alerts: z.boolean().default(false).meta({ example: true }),
  /** Make a ConfigMap with a dashboard of the metrics, where Grafana's sidecar finds it. @defaultValue false */
  dashboard: z.boolean().default(false).meta({ example: true }),
  /** Labels of PodMonitor and PrometheusRule, by which Prometheus' operator selects them. @defaultValue none */
  monitoringLabels: z
    .record(labelKey, z.string().regex(labelValue, "must be the value of a label: 63 characters at most"))
    .default({})
    .meta({ example: { release: "kube-prometheus-stack" } }),
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
const overwriteMaximum = strictObject({
  /** The most that a job may ask for. @defaultValue nothing */
  requests: resourceList.prefault({}),
  /** The highest limit that a job may set. @defaultValue nothing */
  limits: resourceList.prefault({}),
});

/** Settings of the job pods. @internal */
export const jobSettings = strictObject({
  /** Image of jobs that name none. @defaultValue `alpine:latest` */
  image: image.default("alpine:latest"),
  /**
   * Image of the helper (clone, cache, artifacts), such as a copy in a registry that a closed network reaches.
   * @defaultValue the runner's own, `registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:…`
   */
  helperImage: image.optional().meta({ example: "registry.example.com/gitlab-runner-helper:x86_64-v18.9.0" }),
  /** Run job containers privileged; every job then has root on its node. @defaultValue false */
  privileged: z.boolean().default(false),
  /** Resources of the build container; what is set replaces all of the default. @defaultValue 500m CPU and 512Mi, at most 2 and 2Gi */
  resources: containerResources.prefault({
    requests: { cpu: "500m", memory: "512Mi" },
    limits: { cpu: "2", memory: "2Gi" },
  }),
  /**
   * Resources of the helper container (clone, cache, artifacts); what is set replaces all of the default.
   * @defaultValue 100m CPU and 64Mi, at most 500m and 256Mi
   */
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
  overwriteMaxAllowed: strictObject({
    /** For the build container. @defaultValue nothing */
    build: overwriteMaximum.prefault({}),
    /** For the helper container. @defaultValue nothing */
    helper: overwriteMaximum.prefault({}),
    /** For each service container. @defaultValue nothing */
    service: overwriteMaximum.prefault({}),
  }).prefault({}),
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
    .meta({ example: { NO_PROXY: ".svc" } }),
  /** Labels that a node must have to run jobs. @defaultValue none */
  nodeSelector: nodeSelector.default({}),
  /**
   * Taints that job pods tolerate, by `key`, `operator`, `value` and `effect`; the runner knows neither `tolerationSeconds`
   * nor two of the same key and value.
   * @defaultValue none
   */
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
    .meta({ example: { team: "platform" } }),
  /** Annotations of job pods. @defaultValue none */
  podAnnotations: z
    .record(labelKey, z.string())
    .default({})
    .meta({ example: { "example.com/team": "platform" } }),
  /** Name of a ServiceAccount for job pods that exists. @defaultValue one of their own, without rights */
  serviceAccount: objectName.optional().meta({ example: "ci-jobs" }),
  /** Namespace for job pods of their own, to create. @defaultValue the manager's */
  namespace: dnsLabel.optional().meta({ example: "ci-jobs" }),
  /**
   * Patches of the job pods' specification, for what has no setting here, each with `name`, `patch`, and `type` (`strategic`,
   * `merge` or `json`); a beta feature of the runner.
   * Source: https://docs.gitlab.com/runner/executors/kubernetes/#overwrite-generated-pod-specifications
   * @defaultValue none
   */
  podSpec: z
    .array(
      strictObject({
        /** Name of the patch, for the runner's log. */
        name: z.string().min(1).meta({ example: "hostname" }),
        /** How to apply it, as in `kubectl patch --type`. @defaultValue `strategic` */
        type: z.enum(["strategic", "merge", "json"]).default("strategic"),
        /** The patch: a part of a pod's `spec`, or a list of operations for type `json`. */
        patch: z
          .union([z.record(z.string(), z.json()), z.array(z.json())], {
            error: "must be an object, or a list of operations",
          })
          .meta({ example: { hostname: "ci" } }),
      }),
    )
    .default([]),
});

const secretText = z
  .custom<pulumi.Input<string>>(
    (value) =>
      (typeof value === "string" && value.trim() !== "") || pulumi.Output.isInstance(value) || value instanceof Promise,
    "must be text, and not empty",
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
 * @internal
 */
export const cacheSettings = strictObject({
  /** Name of the bucket. @defaultValue the component's name with `-cache`: `gitlab-runner-cache` */
  bucket: bucketName.optional().meta({ example: "gitlab-runner-cache" }),
  /** `host:port` that the runner and its jobs reach the object store at. @defaultValue `minio.minio.svc.cluster.local:9000` */
  server: z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?$/, "must be host or host:port, without http:// or a path")
    .default("minio.minio.svc.cluster.local:9000"),
  /** Talk plain HTTP to `server`. @defaultValue true */
  insecure: z.boolean().default(true),
  /** Region of the bucket; never empty, since the runner would ask AWS for it, and wait 30 s. @defaultValue `us-east-1` */
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
  deleteWithStack: z.boolean().optional().meta({ example: false }),
  /**
   * Keys of an S3-compatible store that something else keeps (AWS S3, Ceph, Garage, …): then nothing is made in MinIO.
   * @defaultValue a pair of keys made in MinIO, for the bucket alone
   */
  credentials: strictObject({
    /** Access key. */
    accessKey: secretText,
    /** Secret key. */
    secretKey: secretText,
  })
    .optional()
    .meta({
      secret: true,
      fix: "pulumi config rm --path cache.credentials    (then pulumi config set --secret --path cache.credentials.accessKey, and the same for secretKey)",
    }),
});

/** Settings of the Helm chart. @internal */
export const chartSettings = strictObject({
  /** Version of the chart. @defaultValue `0.86.0` */
  version: z
    .string()
    .regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, "must be the exact version of a chart")
    .default("0.86.0"),
  /** Address of the Helm repository. @defaultValue `https://charts.gitlab.io` */
  repository: z
    .url({ protocol: /^https?$/, error: "must be the http(s) address of a Helm repository" })
    .optional()
    .meta({ example: "https://charts.gitlab.io" }),
  /** A chart folder or .tgz to install instead of one from the repository. @defaultValue none */
  path: z
    .string()
    .min(1)
    .optional()
    .meta({ fix: "pulumi config rm --path chart.path    (to install it from the repository)" }),
  /** Seconds that the release may take to become ready. @defaultValue 300 */
  timeoutSeconds: z.int().min(1).default(300),
  /** Further values of the chart, for what has no setting here; those that the program sets are refused. @defaultValue none */
  values: z
    .record(z.string(), z.json())
    .default({})
    .meta({ example: { revisionHistoryLimit: 2 } }),
});

/** Limits of what all pods in the jobs' namespace may use together, by Kubernetes' resource names (`requests.cpu`, `pods`, …). @internal */
export const quotaSettings = z
  .record(
    z
      .string()
      .regex(
        /^((requests|limits)\.)?(cpu|memory|ephemeral-storage)$|^requests\.storage$|^(count\/)?[a-z]+(\.[a-z.]+)?$|^requests\.[a-z.]+\/[a-z-]+$/,
        "must be the name of a resource, such as requests.cpu, limits.memory or pods",
      ),
    z
      .union([z.string(), z.number()], { error: "must be a Kubernetes quantity" })
      .transform(String)
      .refine((text) => parseQuantity(text) !== undefined, "must be a Kubernetes quantity"),
  )
  .superRefine(
    (quota, context) => {
      // Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/#object-count-quota
      for (const [name, amount] of Object.entries<unknown>(quota)) {
        const isCount = typeof amount === "string" && !/(cpu|memory|storage)$/.test(name);
        if (isCount && !Number.isInteger(parseQuantity(amount) ?? 0)) {
          context.addIssue({ code: "custom", path: [name], message: "must be a whole number" });
        }
      }
    },
    { when: isObject },
  )
  .meta({
    example: {
      ...{ "requests.cpu": "8", "limits.cpu": "8", "requests.memory": "16Gi", "limits.memory": "16Gi" },
      ...{ memory: "16Gi", "requests.storage": "100Gi", "limits.ephemeral-storage": "100Gi" },
    },
  });

const anywhere = ["0.0.0.0/0", "::/0"];
const ranges = z
  .array(z.union([z.cidrv4(), z.cidrv6()], { error: "must be a range of addresses, such as 10.0.0.0/8" }))
  .meta({
    example: ["10.0.0.0/8"],
  });

/** Where pods may connect to under a NetworkPolicy. It knows addresses, no names: where those change, leave the default. @internal */
export const networkPolicySettings = strictObject({
  /** Addresses of GitLab. @defaultValue any, at the port of `gitlabUrl` */
  gitlab: ranges.min(1).default(anywhere),
  /** Addresses of the object store. @defaultValue its namespace, where `cache.server` is a Service; else any, at its port */
  cache: ranges.min(1).optional(),
  /** Addresses of the Kubernetes API server. @defaultValue any, at the ports 443, 6443 and 16443 */
  apiServer: ranges.min(1).default(anywhere),
  /** What else jobs may reach, such as a package registry or, with `0.0.0.0/0`, everything. @defaultValue nothing */
  jobs: ranges.default([]),
});

/** Names of the Pod Security levels. @internal */
export const podSecurityLevel = z.enum(["privileged", "baseline", "restricted"]);

/** Settings of the runner manager, each with a default. */
export interface ManagerArgs extends z.input<typeof managerSettings> {}
/** Settings of the job pods, each with a default. */
export interface JobArgs extends z.input<typeof jobSettings> {}
/** Settings of the build cache, each with a default. */
export interface CacheArgs extends z.input<typeof cacheSettings> {}
/** Settings of the Helm chart, each with a default. */
export interface ChartArgs extends z.input<typeof chartSettings> {}
/** Where pods may connect to, each with a default. */
export interface NetworkPolicyArgs extends z.input<typeof networkPolicySettings> {}

/** Complete {@link ManagerArgs}. */
export interface ManagerSettings extends z.output<typeof managerSettings> {}
/** Complete {@link JobArgs}. */
export interface JobSettings extends z.output<typeof jobSettings> {}
/** Complete {@link CacheArgs}. */
export interface CacheSettings extends z.output<typeof cacheSettings> {}
/** Complete {@link ChartArgs}. */
export interface ChartSettings extends z.output<typeof chartSettings> {}
/** Complete {@link NetworkPolicyArgs}. */
export interface NetworkPolicySettings extends z.output<typeof networkPolicySettings> {}
/** Pod Security level: `privileged`, `baseline` or `restricted`; see https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
export type PodSecurityLevel = z.output<typeof podSecurityLevel>;
/** What a container asks for and may use. */
export interface ContainerResources extends z.output<typeof containerResources> {}
