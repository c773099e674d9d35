import { z } from "zod";
import { parseQuantity } from "../quantity.ts";
import { addressRange } from "./address-range.ts";
import { quotaResource } from "./quota-resources.ts";
import { object } from "./setting.ts";
import { dnsLabel, hasKeys } from "./values.ts";

/** Names of the Pod Security levels. */
export const podSecurityLevel = z.enum(["privileged", "baseline", "restricted"], {
  error: "must be privileged, baseline or restricted",
});

/** Pod Security level; see https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
export type PodSecurityLevel = z.output<typeof podSecurityLevel>;

/** Limits of all pods of a namespace together, by Kubernetes' names of resources. */
export const quotaSettings = z
  .record(
    quotaResource,
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
    { when: hasKeys },
  )
  .meta({
    example: {
      ...{ "requests.cpu": "8", "limits.cpu": "16", "requests.memory": "16Gi", "limits.memory": "16Gi" },
      ...{ memory: "16Gi", "requests.storage": "100Gi", "limits.ephemeral-storage": "100Gi", pods: "20" },
    },
  });

/** Every address. */
export const anywhere = ["0.0.0.0/0", "::/0"];

const range = addressRange.meta({ example: "10.0.0.0/8" });

/** A place that pods may connect to, with keys. */
export const networkDestination = object({
  cidr: range.optional().meta({ description: "Range of addresses.", unset: "none" }),
  namespace: dnsLabel.optional().meta({
    description: "Namespace, with all its pods.",
    unset: "none",
    example: "gitlab",
  }),
  ports: z
    .array(z.int().min(1).max(65_535))
    .min(1)
    .optional()
    .meta({
      description: "TCP ports there; of pods, their own, which may differ from those of their Service.",
      unset: "the usual ones of the destination; of a namespace, and for `manager` and `jobs`, all",
      example: [3128],
    }),
}).meta({
  id: "NetworkDestination",
  description:
    "A place that pods may connect to: either `cidr` or `namespace`. A range alone, such as `10.0.0.0/8`, is one, too.",
});

const destination = z.union([range, networkDestination], {
  error: "must be a range of addresses, such as 10.0.0.0/8, or an object with keys",
});

/** A place that pods may connect to, as it is configured. */
export type NetworkDestination = z.output<typeof destination>;

const destinations = z.array(destination).meta({ example: ["10.0.0.0/8"] });

const networkPolicy = "kubernetes:networking.k8s.io/v1:NetworkPolicy";

/** Where pods may connect to under a NetworkPolicy. It knows addresses, no names: where those change, leave the default. */
export const networkPolicySettings = object({
  gitlab: destinations
    .min(1)
    .optional()
    .meta({
      description: "Where GitLab is.",
      unset: "its namespace, where `gitlabUrl` is that of a Service; else any address, at its port",
      to: { resource: networkPolicy, input: "spec.egress.0.to", as: peers },
    }),
  cache: destinations
    .min(1)
    .optional()
    .meta({
      description: "Where the object store is.",
      unset: "its namespace, where `cache.server` is a Service; else any address, at its port",
      to: { resource: networkPolicy, input: "spec.egress.1.to", as: peers },
    }),
  apiServer: destinations
    .min(1)
    .default(anywhere)
    .meta({
      description: "Where the Kubernetes API server is.",
      unset: "any address, at the ports 443, 6443 and 16443",
      to: { resource: networkPolicy, input: "spec.egress.1.to", as: peers },
    }),
  manager: destinations.default([]).meta({
    description: "What else the manager may reach, such as a proxy.",
    unset: "nothing",
    to: { resource: networkPolicy, input: "spec.egress.2.to", as: peers },
  }),
  jobs: destinations.default([]).meta({
    description:
      "What else jobs may reach, such as a package registry or, with `0.0.0.0/0`, everything but the cloud's metadata service.",
    unset: "nothing",
    to: { resource: networkPolicy, input: "spec.egress.2.to", as: peers },
  }),
});

/** Complete settings of the NetworkPolicies. */
export interface NetworkPolicySettings extends z.output<typeof networkPolicySettings> {}

/** Whom a rule of a NetworkPolicy is about. */
export type NetworkPeer =
  | { readonly ipBlock: { readonly cidr: string; readonly except?: string[] } }
  | { readonly namespaceSelector: { readonly matchLabels?: Record<string, string> } };

/** @returns destinations as a NetworkPolicy has them */
export function peers(destinations: readonly NetworkDestination[]): NetworkPeer[] {
  return destinations.map((one) => {
    const { cidr = "", namespace } = typeof one === "string" ? { cidr: one } : one;
    return namespace === undefined
      ? { ipBlock: { cidr } }
      : { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } } };
  });
}
