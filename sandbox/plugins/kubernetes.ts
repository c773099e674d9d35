import { Cluster, clusterSettings } from "./kubernetes/cluster.ts";
import { helmRelease } from "./kubernetes/helm-release.ts";
import { kubernetesObject } from "./kubernetes/kubernetes-object.ts";
import { serveProvider } from "./provider-server.ts";

let cluster: Cluster | undefined;

function connected(): Cluster {
  if (cluster === undefined) {
    throw new Error("kubernetes: the provider is not configured");
  }
  return cluster;
}

const release = helmRelease(connected);
const object = kubernetesObject(connected);

await serveProvider({
  name: "kubernetes",
  version: "4.32.0",
  configure(config) {
    cluster = new Cluster(clusterSettings(config, process.env));
  },
  resource(type) {
    if (type === "kubernetes:helm.sh/v3:Release") {
      return release;
    }
    // Charts, YAML files and the like are of these groups, and no objects of the cluster.
    return /^kubernetes:(helm\.sh|kustomize|yaml)\//.test(type) ? undefined : object;
  },
});
