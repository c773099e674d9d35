import { quantityToScalar } from "@kubernetes/client-node/dist/util.js";
import type { JobVariables } from "./job-variables.ts";
import type { KubernetesSettings } from "./runner-config.ts";

/** Which of a job's containers. */
export type ContainerKind = "build" | "helper" | "service";

/** Amounts by resource, as a container of Kubernetes takes them. */
export interface ContainerResources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

/** The job asks for what the runner's configuration does not allow. */
export class JobNotAllowedError extends Error {
  override readonly name = "JobNotAllowedError";
}

/** Requests and limits of a container; a job may ask for others up to what `*_overwrite_max_allowed` says. */
export function containerResources(
  settings: KubernetesSettings,
  what: ContainerKind,
  variables: JobVariables,
): ContainerResources {
  const prefix = what === "build" ? "" : `${what}_`;
  const kinds = { requests: "request", limits: "limit" } as const;
  const names = { cpu: "cpu", memory: "memory", "ephemeral-storage": "ephemeral_storage" };
  const amounts: ContainerResources = {};
  for (const kind of ["requests", "limits"] as const) {
    for (const [resource, name] of Object.entries(names)) {
      const key = `${prefix}${name}_${kinds[kind]}`;
      const most = settings[`${key}_overwrite_max_allowed`];
      const asked = variables.values.get(`KUBERNETES_${key.toUpperCase()}`) ?? "";
      let amount = settings[key];
      if (asked !== "" && typeof most === "string" && most !== "") {
        if (quantityToScalar(asked) > quantityToScalar(most)) {
          throw new JobNotAllowedError(`the job asks for ${key} ${asked}; the runner's configuration allows ${most}`);
        }
        amount = asked;
      }
      if (typeof amount === "string" && amount !== "") {
        (amounts[kind] ??= {})[resource] = amount;
      }
    }
  }
  return amounts;
}
