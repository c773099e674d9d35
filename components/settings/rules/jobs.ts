import { parseQuantity } from "../../quantity.ts";
import { dotted } from "../path.ts";
import { resourceNames } from "../resources.ts";
import { tolerationKey } from "../tolerations.ts";
import { remove, repeated, rule, set, when, type Rule } from "./rule.ts";

/** Contradictions between settings of the job pods. */
export const jobRules: readonly Rule[] = [
  rule(["jobs.namespace", "namespace", "name"], (jobNamespace, namespace, name) =>
    when(jobNamespace === (namespace ?? name), ["jobs", "namespace"], {
      expected: "must not be the manager's own namespace, where jobs are anyway while this is not set",
      fix: { first: remove("jobs", "namespace"), or: set(["jobs", "namespace"], "ci-jobs") },
    }),
  ),

  rule(["jobs.serviceAccount", "jobs.namespace", "name"], (serviceAccount, namespace, name) =>
    when(serviceAccount === name && namespace === undefined, ["jobs", "serviceAccount"], {
      expected: "must not be the manager's own account, under which every job could read the runner's token",
      fix: {
        first: remove("jobs", "serviceAccount"),
        note: "jobs then get their own account, without permissions",
      },
    }),
  ),

  rule(["jobs.automountServiceAccountToken", "jobs.serviceAccount"], (automount, serviceAccount) =>
    when(automount && serviceAccount === undefined, ["jobs", "automountServiceAccountToken"], {
      expected: "must be false where jobs.serviceAccount is not set: the account that jobs then have may do nothing",
      fix: {
        first: set(["jobs", "automountServiceAccountToken"], false),
        or: set(["jobs", "serviceAccount"], "ci-jobs"),
      },
    }),
  ),

  // The runner keeps tolerations in a table by key and value, and has no place for the rest.
  rule(["jobs.tolerations"], (tolerations) =>
    repeated(tolerations.map(tolerationKey)).map(({ value, index }) => ({
      path: ["jobs", "tolerations", index],
      expected: "must be the only toleration of its key and value: the runner supports one of each",
      fix: {
        first: remove("jobs", "tolerations", index),
        note: "without effect, the other tolerates every effect",
      },
      found: value,
    })),
  ),

  rule(["jobs.tolerations"], (tolerations) =>
    tolerations.flatMap(({ tolerationSeconds }, index) =>
      when(tolerationSeconds !== undefined, ["jobs", "tolerations", index, "tolerationSeconds"], {
        expected: "must not be set: the runner cannot give it to job pods",
      }),
    ),
  ),

  overwriteRule("build", "resources"),
  overwriteRule("helper", "helperResources"),
  overwriteRule("service", "serviceResources"),
];

/** The most that a job may request cannot be less than what it gets without asking. */
function overwriteRule(
  container: "build" | "helper" | "service",
  resources: "resources" | "helperResources" | "serviceResources",
): Rule {
  return rule(["jobs.overwriteMaxAllowed", `jobs.${resources}`], ({ [container]: maximum }, own) =>
    (["requests", "limits"] as const).flatMap((kind) =>
      resourceNames.flatMap((name) => {
        const path = ["jobs", "overwriteMaxAllowed", container, kind, name];
        const source = dotted(["jobs", resources, kind, name]);
        const [most = "", given = ""] = [maximum[kind][name], own[kind][name]];
        return when((parseQuantity(most) ?? Infinity) < (parseQuantity(given) ?? 0), path, {
          expected: "must not be below what every job gets",
          detail: `: ${source} is ${given}`,
          secretDetail: `, ${source}`,
          fix: { first: set(path, given) },
          secretFix: { first: remove(...path) },
        });
      }),
    ),
  );
}
