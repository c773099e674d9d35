import { z } from "zod";
import { object } from "./setting.ts";
import { dnsLabel, objectName } from "./values.ts";

const ipAddress = z.union([z.ipv4(), z.ipv6()], { error: "must be an IP address" });

/** How an image is pulled. */
export const pullPolicy = z.enum(["always", "if-not-present", "never"]);

const seconds = z.int().min(0).max(86_400);

/** Capabilities by their names in Linux, without CAP_: https://man7.org/linux/man-pages/man7/capabilities.7.html */
const capabilities = z
  .array(z.string().regex(/^[A-Z]+(_[A-Z]+)*$/, "must be the name of a capability, without CAP_"))
  .default([]);

/** An entry of the pods' /etc/hosts. */
export const hostAlias = object({
  ip: ipAddress.meta({ description: "IP address.", example: "10.0.0.5" }),
  hostnames: z
    .array(objectName)
    .min(1)
    .meta({ description: "Names of that address.", example: ["gitlab.example.com"] }),
}).meta({ id: "HostAlias", description: "An entry of the pods' `/etc/hosts`." });

/** DNS settings of pods, beside those of the policy. */
export const dnsConfig = object({
  nameservers: z
    .array(ipAddress)
    .max(3)
    .default([])
    .meta({ description: "IP addresses of DNS servers.", unset: "none", example: ["10.0.0.10"] }),
  searches: z
    .array(objectName)
    .max(32)
    .default([])
    .meta({ description: "Domains to search for names.", unset: "none", example: ["example.com"] }),
  options: z
    .array(
      object({
        name: dnsLabel.meta({ description: "Name of the option.", example: "ndots" }),
        value: z.string().optional().meta({ description: "Value of the option.", unset: "none", example: "2" }),
      }),
    )
    .default([])
    .meta({
      description: "Options of the resolver, such as `ndots`.",
      unset: "none",
      example: [{ name: "ndots", value: "2" }],
    }),
}).meta({ id: "DnsConfig", description: "DNS settings of pods, beside those of the policy." });

/** Settings of the job pods that most runners do without. */
export const podSettings = {
  schedulerName: objectName.optional().meta({
    description: "Scheduler of the job pods.",
    unset: "the cluster's default",
    example: "volcano",
    to: { toml: "kubernetes.scheduler_name" },
  }),
  hostAliases: z
    .array(hostAlias)
    .default([])
    .meta({
      description: "Entries of the pods' `/etc/hosts`.",
      unset: "none",
      example: [{ ip: "10.0.0.5", hostnames: ["gitlab.example.com"] }],
      to: { toml: "kubernetes.host_aliases" },
    }),
  dnsPolicy: z
    .enum(["none", "default", "cluster-first", "cluster-first-with-host-net"])
    .optional()
    .meta({
      description: "DNS policy of the pods, in the runner's spelling.",
      unset: "`cluster-first`",
      source: "https://docs.gitlab.com/runner/executors/kubernetes/#configure-pod-dns-settings",
      example: "default",
      to: { toml: "kubernetes.dns_policy" },
    }),
  dnsConfig: dnsConfig.optional().meta({
    description: "DNS servers, domains and options of the pods.",
    unset: "those of `dnsPolicy`",
    example: { nameservers: ["10.0.0.10"] },
    to: { toml: "kubernetes.dns_config" },
  }),
  capabilities: object({
    add: capabilities.meta({
      description: "Capabilities to add.",
      unset: "none",
      example: ["NET_BIND_SERVICE"],
      to: { toml: "kubernetes.cap_add" },
    }),
    drop: capabilities.meta({
      description: "Capabilities to drop, or `ALL`.",
      unset: "none, or `ALL` where `podSecurity` is `restricted`",
      example: ["NET_RAW"],
      to: { toml: "kubernetes.cap_drop" },
    }),
  })
    .prefault({})
    .meta({
      description: "Linux capabilities of the job pods' containers.",
      source: "https://docs.gitlab.com/runner/executors/kubernetes/#specify-container-capabilities",
      unset: "those of the container runtime",
    }),
  allowedPullPolicies: z
    .array(pullPolicy)
    .default([])
    .meta({
      description: "Pull policies that a job may choose for its image.",
      unset: "those of `pullPolicy`",
      example: ["always"],
      to: { toml: "kubernetes.allowed_pull_policies" },
    }),
  helperImageFlavor: z
    .string()
    .regex(/^[a-z]+[a-z0-9.-]*$/, "must be a flavor, such as alpine or ubuntu")
    .optional()
    .meta({
      description: "Flavor of the helper's image, such as `ubuntu`.",
      unset: "`alpine`",
      example: "ubuntu",
      to: { toml: "kubernetes.helper_image_flavor" },
    }),
  pollTimeout: seconds
    .min(1)
    .optional()
    .meta({
      description: "Seconds that a pod may take to start, which includes the time until the cluster has room for it.",
      unset: "the runner's own, `180`",
      example: 600,
      to: { toml: "kubernetes.poll_timeout" },
    }),
  terminationGracePeriodSeconds: seconds.optional().meta({
    description: "Seconds that the processes of a pod have to end when it is deleted.",
    unset: "the cluster's own, `30`",
    example: 60,
    to: { toml: "kubernetes.pod_termination_grace_period_seconds" },
  }),
  cleanupGracePeriodSeconds: seconds.optional().meta({
    description: "Seconds that a pod has to end after its job.",
    unset: "`terminationGracePeriodSeconds`",
    example: 5,
    to: { toml: "kubernetes.cleanup_grace_period_seconds" },
  }),
  retryLimit: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .meta({
      description: "Most attempts at a request to the Kubernetes API.",
      unset: "the runner's own, `5`",
      example: 10,
      to: { toml: "kubernetes.retry_limit" },
    }),
  cloneUrl: z
    .url({ protocol: /^https?$/, error: "must be an http(s) address" })
    .refine((url) => !url.includes("@"), "must be an address without a user name or a password, which jobs would see")
    .optional()
    .meta({
      description: "Address of GitLab that jobs clone from, if it differs from `gitlabUrl`.",
      unset: "`gitlabUrl`",
      example: "https://gitlab.example.com",
      to: { toml: "clone_url" },
    }),
  outputLimit: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .meta({
      description: "Most of a job's log, in KiB.",
      unset: "the runner's own, `4096`",
      example: 16_384,
      to: { toml: "output_limit" },
    }),
  preGetSourcesScript: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: "Commands to run before each clone; no place for secrets.",
      unset: "none",
      example: "git config --global http.lowSpeedLimit 1000",
      to: { toml: "pre_get_sources_script" },
    }),
  preBuildScript: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: "Commands to run before each job's own; no place for secrets.",
      unset: "none",
      example: "date",
      to: { toml: "pre_build_script" },
    }),
  postBuildScript: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: "Commands to run after each job's own, before its `after_script`; no place for secrets.",
      unset: "none",
      example: "date",
      to: { toml: "post_build_script" },
    }),
};
