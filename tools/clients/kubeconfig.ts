import { KubeConfig } from "@kubernetes/client-node";
import { readKubeConfig } from "../../components/kubeconfig.ts";

/** Where the cluster is, as Pulumi's Kubernetes provider is told. */
export interface ClusterSettings {
  /** Text or path of a kubeconfig; undefined for the user's own. */
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
}

/**
 * Loads the kubeconfig that the provider would. Connects nothing.
 * @throws Error when there is no such kubeconfig or context
 */
export function loadKubeConfig({ kubeconfig, context }: ClusterSettings): KubeConfig {
  const config = new KubeConfig();
  const content = readKubeConfig(kubeconfig);
  if (content === undefined) {
    // In a pod it is the account's own.
    config.loadFromDefault();
  } else {
    config.loadFromString(JSON.stringify(content));
  }
  if (context !== undefined) {
    config.setCurrentContext(context);
  }
  if (config.getCurrentCluster() === null) {
    const names = config.getContexts().map(({ name }) => name);
    throw new Error(
      `the kubeconfig has no context ${JSON.stringify(config.getCurrentContext())}; it has ${names.join(", ") || "none"}`,
    );
  }
  return config;
}
