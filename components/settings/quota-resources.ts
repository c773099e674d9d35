import { z } from "zod";
import { meantKey } from "./issues.ts";

/**
 * What Kubernetes can count in a quota, other than what a cluster adds.
 * Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/#types-of-resource-quota
 */
export const quotaNames = [
  ...["requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "pods", "cpu", "memory", "requests.storage"],
  ...["requests.ephemeral-storage", "limits.ephemeral-storage", "ephemeral-storage", "configmaps", "secrets"],
  ...["persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "services", "services.loadbalancers"],
  ...["services.nodeports", "count/pods", "count/configmaps", "count/secrets", "count/persistentvolumeclaims"],
  ...["count/replicationcontrollers", "count/resourcequotas", "count/services", "count/serviceaccounts"],
  ...["count/endpoints", "count/events", "count/limitranges", "count/podtemplates"],
];

const domain = String.raw`[a-z0-9]([-a-z0-9.]*[a-z0-9])?`;

/** What a cluster adds, such as `count/jobs.batch`, `requests.nvidia.com/gpu` or `gold.storageclass.storage.k8s.io/requests.storage`. */
const addedName = new RegExp(
  [
    String.raw`^count/[a-z][-a-z0-9]*\.${domain}$`,
    String.raw`^requests\.${domain}\.${domain}/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`,
    String.raw`^(requests\.)?hugepages-\d+[KMGT]i$`,
    String.raw`^${domain}\.storageclass\.storage\.k8s\.io/(requests\.storage|persistentvolumeclaims)$`,
    String.raw`^${domain}\.deviceclass\.resource\.k8s\.io/devices$`,
  ].join("|"),
);

function isQuotaName(name: string): boolean {
  return quotaNames.includes(name) || addedName.test(name);
}

/** Name of a resource in a quota, as Kubernetes knows it; of any other, the API server refuses the quota or counts nothing. */
export const quotaResource = z
  .string()
  .superRefine((name, context) => {
    if (!isQuotaName(name)) {
      const request = `requests.${name}`;
      const meant = isQuotaName(request) ? request : meantKey(name, quotaNames);
      context.addIssue({
        code: "custom",
        message: `must be the name of a resource, such as requests.cpu, limits.memory or pods${meant === undefined ? "" : `; did you mean ${meant}?`}`,
        params: { meant },
      });
    }
  })
  .meta({ example: "requests.cpu" });
