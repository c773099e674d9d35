import { quantityToScalar } from "@kubernetes/client-node/dist/util.js";
import type { JobVariables } from "./job-variables.ts";
import type { KubernetesSettings } from "./runner-config.ts";

/** Quantities by resource, as in a container of Kubernetes. */
export interface ContainerResources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

/**
 * Requests and limits of a container; a job may override them up to `*_overwrite_max_allowed`. Throws if it requests
 * more.
 */
export function containerResources(
  settings: KubernetesSettings,
  container: "build" | "helper",
  variables: JobVariables,
): ContainerResources {
  const prefix = container === "build" ? "" : "helper_";
  const amounts: ContainerResources = {};
  for (const resource of ["cpu", "memory", "ephemeral-storage"]) {
    for (const kind of ["request", "limit"] as const) {
      const key = `${prefix}${resource.replace("-", "_")}_${kind}`;
      const most = settings[`${key}_overwrite_max_allowed`];
      const asked = variables.values.get(`KUBERNETES_${key.toUpperCase()}`);
      let amount = settings[key];
      if (asked !== undefined && typeof most === "string") {
        if (quantityToScalar(asked) > quantityToScalar(most)) {
          throw new Error(`the job asks for ${key} ${asked}; the runner's configuration allows ${most}`);
        }
        amount = asked;
      }
      if (typeof amount === "string") {
        (amounts[`${kind}s`] ??= {})[resource] = amount;
      }
    }
  }
  return amounts;
}
