import type { ClusterSettings } from "./cluster.ts";

const selector = ["spec.selector"];
const job = ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"];
const roleBinding = ["roleRef"];

/** Fields that cannot change, by type; the real provider's own table for the commoner ones. */
const byType: Readonly<Record<string, readonly string[]>> = {
  "v1/PersistentVolumeClaim": ["spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"],
  "v1/ResourceQuota": ["spec.scopes"],
  "v1/Secret": ["type"],
  "v1/Service": ["spec.clusterIP"],
  "apps/v1/DaemonSet": selector,
  "apps/v1/Deployment": selector,
  "apps/v1/StatefulSet": [
    ...selector,
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
  ],
  "batch/v1/Job": job,
  "rbac.authorization.k8s.io/v1/ClusterRoleBinding": roleBinding,
  "rbac.authorization.k8s.io/v1/RoleBinding": roleBinding,
  "storage.k8s.io/v1/StorageClass": ["parameters", "provisioner"],
};

/** @returns the paths, such as `spec.selector`, whose change replaces an object of this type */
export function replacingFields(type: string, immutable: boolean, settings: ClusterSettings): readonly string[] {
  const identity = ["apiVersion", "kind", "metadata.name", "metadata.namespace"];
  // Unless told otherwise, the real provider replaces a Secret or ConfigMap whose data changes.
  if (type === "v1/Secret" && (!settings.mutableSecrets || immutable)) {
    return [...identity, "type", "stringData", "data"];
  }
  if (type === "v1/ConfigMap" && (!settings.mutableConfigMaps || immutable)) {
    return [...identity, "binaryData", "data"];
  }
  return [...identity, ...(byType[type] ?? [])];
}
