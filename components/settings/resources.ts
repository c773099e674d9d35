import { z } from "zod";
import { parseQuantity } from "../quantity.ts";
import { object } from "./setting.ts";
import { bytes, hasKeys } from "./values.ts";

/** The resources that a setting can name. */
export const resourceNames = ["cpu", "memory", "ephemeral-storage"] as const;

const cpu = z
  .union([z.string(), z.number()], { error: "must be a CPU quantity" })
  .transform(String)
  .refine(
    (text) => /^(\d+(\.\d{1,3})?|\d+m)$/.test(text),
    "must be a CPU quantity: cores, such as 0.5, or millicores, such as 500m",
  );

/** CPU, memory and disk space, as Kubernetes quantities: `500m`, `2`, `512Mi`. */
export const resourceList = object({
  cpu: cpu.optional().meta({
    description: "CPU: cores, such as `2` or `0.5`, or millicores, such as `500m`.",
    unset: "none",
    example: "500m",
  }),
  memory: bytes.optional().meta({
    description: "Memory in bytes, such as `512Mi` or `2Gi`.",
    unset: "none",
    example: "512Mi",
  }),
  "ephemeral-storage": bytes.optional().meta({
    description: "Space on the node's own disk in bytes, such as `10Gi`.",
    unset: "none",
    example: "10Gi",
  }),
}).meta({ id: "ResourceList", description: "CPU, memory and disk space, as Kubernetes quantities." });

/** Resource requests and limits of a container. */
export const containerResources = object({
  requests: resourceList.prefault({}).meta({
    description: "Resources that are reserved for the container on its node.",
    unset: "nothing",
  }),
  limits: resourceList.prefault({}).meta({
    description: "The most that the container may use.",
    unset: "no limit",
  }),
})
  .superRefine(
    ({ requests, limits }, context) => {
      const memory = parseQuantity(quantityOf(limits, "memory")) ?? Infinity;
      if (memory < 6 * 2 ** 20 && !quantityOf(limits, "memory").endsWith("m")) {
        // Without a suffix, it is bytes: https://docs.docker.com/engine/containers/resource_constraints/#limit-a-containers-access-to-memory
        const message = "must be at least 6Mi: no container starts with less";
        context.addIssue({ code: "custom", path: ["limits", "memory"], message });
      }
      for (const name of resourceNames) {
        const [request, limit] = [quantityOf(requests, name), quantityOf(limits, name)];
        if ((parseQuantity(request) ?? 0) > (parseQuantity(limit) ?? Infinity)) {
          context.addIssue({
            code: "custom",
            path: ["requests", name],
            message: "must not be above the limit",
            params: { detail: `, ${limit}`, example: limit },
          });
        }
      }
    },
    // Runs even if another quantity is wrong, so that all problems are reported at once.
    { when: hasKeys },
  )
  .meta({ id: "ContainerResources", description: "Resource requests and limits of a container." });

/** The most that a job's own variables may request. */
export const overwriteMaximum = object({
  requests: resourceList.prefault({}).meta({ description: "The most that a job may request.", unset: "nothing" }),
  limits: resourceList.prefault({}).meta({ description: "The highest limit that a job may set.", unset: "nothing" }),
}).meta({ id: "OverwriteMaximum", description: "The most that a job's own variables may request for a container." });

/** Complete requests and limits. */
export interface ContainerResources extends z.output<typeof containerResources> {}

/** @returns what containers get that have none of their own, such as services, where there is a quota: it would refuse them */
export function containerDefaults(build: ContainerResources, helper: ContainerResources): ContainerResources {
  return { requests: helper.requests, limits: build.limits };
}

/** @returns a quantity from a value that may be no list of resources */
function quantityOf(list: unknown, name: string): string {
  const quantity = typeof list === "object" && list !== null ? (list as Record<string, unknown>)[name] : undefined;
  return typeof quantity === "string" ? quantity : "";
}

/**
 * The runner's keys for resources, such as `helper_cpu_request`.
 * Source: https://docs.gitlab.com/runner/executors/kubernetes/#cpu-requests-and-limits
 * @param prefix what stands before, such as `helper_`
 * @param suffix what stands behind, such as `_overwrite_max_allowed`
 */
export function resourceKeys(prefix: string, suffix = "") {
  return ({ requests, limits }: ContainerResources): Record<string, string> =>
    Object.fromEntries(
      [["request", requests] as const, ["limit", limits] as const].flatMap(([kind, list]) =>
        resourceNames.flatMap((name) => {
          const quantity = list[name];
          return quantity === undefined ? [] : [[`${prefix}${name.replace("-", "_")}_${kind}${suffix}`, quantity]];
        }),
      ),
    );
}
