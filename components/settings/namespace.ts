import { z } from "zod";
import { parseQuantity } from "../quantity.ts";
import { object } from "./setting.ts";
import { hasKeys } from "./values.ts";

/** Names of the Pod Security levels. */
export const podSecurityLevel = z.enum(["privileged", "baseline", "restricted"], {
  error: "must be privileged, baseline or restricted",
});

/** Pod Security level; see https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
export type PodSecurityLevel = z.output<typeof podSecurityLevel>;

/** Limits of all pods of a namespace together, by Kubernetes' names of resources. */
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
    { when: hasKeys },
  )
  .meta({
    example: {
      ...{ "requests.cpu": "8", "limits.cpu": "8", "requests.memory": "16Gi", "limits.memory": "16Gi" },
      ...{ memory: "16Gi", "requests.storage": "100Gi", "limits.ephemeral-storage": "100Gi" },
    },
  });

/** Every address. */
export const anywhere = ["0.0.0.0/0", "::/0"];

const ranges = z
  .array(z.union([z.cidrv4(), z.cidrv6()], { error: "must be a range of addresses, such as 10.0.0.0/8" }))
  .meta({ example: ["10.0.0.0/8"] });

const networkPolicy = "kubernetes:networking.k8s.io/v1:NetworkPolicy";

/** Where pods may connect to under a NetworkPolicy. It knows addresses, no names: where those change, leave the default. */
export const networkPolicySettings = object({
  gitlab: ranges
    .min(1)
    .default(anywhere)
    .meta({
      description: "Addresses of GitLab.",
      unset: "any, at the port of `gitlabUrl`",
      to: { resource: networkPolicy, input: "spec.egress.0.to", as: ipBlocks },
    }),
  cache: ranges
    .min(1)
    .optional()
    .meta({
      description: "Addresses of the object store.",
      unset: "its namespace, where `cache.server` is a Service; else any, at its port",
      to: { resource: networkPolicy, input: "spec.egress.1.to", as: ipBlocks },
    }),
  apiServer: ranges
    .min(1)
    .default(anywhere)
    .meta({
      description: "Addresses of the Kubernetes API server.",
      unset: "any, at the ports 443, 6443 and 16443",
      to: { resource: networkPolicy, input: "spec.egress.1.to", as: ipBlocks },
    }),
  jobs: ranges.default([]).meta({
    description: "What else jobs may reach, such as a package registry or, with `0.0.0.0/0`, everything.",
    unset: "nothing",
    to: { resource: networkPolicy, input: "spec.egress.2.to", as: ipBlocks },
  }),
});

/** Complete settings of the NetworkPolicies. */
export interface NetworkPolicySettings extends z.output<typeof networkPolicySettings> {}

/** @returns ranges as a NetworkPolicy has them */
export function ipBlocks(ranges: readonly string[]): { ipBlock: { cidr: string } }[] {
  return ranges.map((cidr) => ({ ipBlock: { cidr } }));
}
