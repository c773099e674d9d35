import { z } from "zod";
import { object } from "./setting.ts";
import { labelKey, labelValue } from "./values.ts";

/** A Kubernetes toleration; see https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
export const toleration = object({
  key: labelKey.optional().meta({
    description: "Key of the taint.",
    unset: "any key; `operator` must then be `Exists`",
    example: "ci",
  }),
  operator: z.enum(["Exists", "Equal"]).optional().meta({
    description: "`Equal`: taints with this `value`; `Exists`: taints with any value.",
    unset: "`Equal`",
    example: "Exists",
  }),
  value: z.string().regex(labelValue, "must be the value of a label").optional().meta({
    description: "Value of the taint, with `Equal` only.",
    unset: "the empty value",
    example: "build",
  }),
  effect: z
    .enum(["NoSchedule", "PreferNoSchedule", "NoExecute"])
    .optional()
    .meta({ description: "Effect of the taint.", unset: "all effects", example: "NoSchedule" }),
  tolerationSeconds: z.int().optional().meta({
    description: "Seconds that a pod may stay on a node after the taint was added, with `NoExecute` only.",
    unset: "no limit",
    example: 300,
  }),
})
  .superRefine(({ key, operator, value, effect, tolerationSeconds }, context) => {
    const issue = (path: string, message: string, example: unknown) => {
      context.addIssue({ code: "custom", path: [path], message, params: { example } });
    };
    if (operator === "Exists" && value !== undefined) {
      issue("operator", "must be Equal where there is a value", "Equal");
    }
    if (key === undefined && value !== undefined) {
      issue("key", "must be set where there is a value", "ci");
    } else if (key === undefined && operator !== "Exists") {
      issue("operator", "must be Exists where there is no key: it then tolerates every taint", "Exists");
    }
    if (tolerationSeconds !== undefined && effect !== "NoExecute") {
      issue("effect", "must be NoExecute where there are tolerationSeconds", "NoExecute");
    }
  })
  .meta({ id: "Toleration", description: "A Kubernetes toleration." });

/** A toleration. */
export interface Toleration extends z.output<typeof toleration> {}

/**
 * The runner's way to write tolerations: `"key=value" = "effect"` for one value, `key = "effect"` for any, and an empty
 * effect for all of them.
 * Source: https://docs.gitlab.com/runner/executors/kubernetes/#other-configtoml-settings (`node_tolerations`)
 */
export function tolerationTable(list: readonly Toleration[]): Record<string, string> {
  return Object.fromEntries(list.map((toleration) => [tolerationKey(toleration), toleration.effect ?? ""]));
}

/** @returns what the runner tells tolerations apart by */
export function tolerationKey({ key = "", operator, value }: Toleration): string {
  return operator === "Exists" ? key : `${key}=${value ?? ""}`;
}
