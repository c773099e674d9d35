import { readFile } from "node:fs/promises";
import { KubeConfig } from "@kubernetes/client-node";
import { containerPaths } from "./entry-script.ts";
import type { MountedPod } from "./mounted-pod.ts";

/**
 * Access to the cluster with only the mounted account token.
 * @param kubeconfig - its cluster's address and CA are used, its user is not.
 */
export async function accountConfig(kubeconfig: KubeConfig, mounted: MountedPod): Promise<KubeConfig> {
  const cluster = kubeconfig.getCurrentCluster();
  if (cluster === null) {
    throw new Error("the kubeconfig's current context has no cluster");
  }
  const token = await readFile(mounted.path(containerPaths.accountToken), "utf8").catch(() => {
    throw new Error("the manager pod mounts no service account token, so it cannot reach the cluster");
  });
  const own = new KubeConfig();
  own.loadFromOptions({
    clusters: [cluster],
    users: [{ name: "manager", token }],
    contexts: [{ name: "manager", cluster: cluster.name, user: "manager" }],
    currentContext: "manager",
  });
  return own;
}
