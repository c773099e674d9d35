import { homedir } from "node:os";
import { KubeConfig } from "@kubernetes/client-node";

/** Where the cluster is, as Pulumi's Kubernetes provider is told. */
export interface ClusterSettings {
  /** Text or path of a kubeconfig; undefined for the user's own. */
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
}

/**
 * Loads the kubeconfig that the provider would. Connects nothing.
 * Source: `parseKubeconfigString` in https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/util.go
 * @throws Error when there is no such kubeconfig or context
 */
export function loadKubeConfig({ kubeconfig, context }: ClusterSettings): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig === undefined) {
    config.loadFromDefault();
  } else if (kubeconfig.includes("\n") || kubeconfig.trimStart().startsWith("{")) {
    config.loadFromString(kubeconfig);
  } else {
    config.loadFromFile(kubeconfig.replace(/^~(?=\/)/, homedir()));
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
