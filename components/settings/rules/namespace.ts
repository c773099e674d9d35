import { isSystemNamespace } from "../values.ts";
import { rule, set, when, type Rule } from "./rule.ts";

/** Contradictions with the names and the Pod Security level of the namespaces. */
export const namespaceRules: readonly Rule[] = [
  rule(["namespace", "name"], (namespace, name) =>
    when(namespace === undefined && isSystemNamespace(name), ["namespace"], {
      expected: `must be set: its default, the component's name, is a namespace of Kubernetes' own, ${name}`,
      fix: { first: set(["namespace"], "gitlab-runner") },
    }),
  ),

  // Otherwise each job's pod would be refused, long after `pulumi up`.
  rule(["jobs.privileged", "podSecurity", "linkerd"], (privileged, podSecurity, linkerd) => {
    const level = podSecurity ?? (linkerd ? "privileged" : "baseline, its default");
    return when(privileged && level !== "privileged", ["jobs", "privileged"], {
      expected: `must be false where podSecurity is ${level}: Kubernetes refuses privileged pods there`,
      fix: { first: set(["podSecurity"], "privileged"), or: set(["jobs", "privileged"], false) },
    });
  }),

  rule(["podSecurity", "linkerd"], (podSecurity, linkerd) =>
    when(linkerd && podSecurity === "restricted", ["podSecurity"], {
      expected: "must be privileged or baseline with linkerd, whose init container needs more permissions",
      fix: {
        first: set(["podSecurity"], "privileged"),
        note: "or baseline, where Linkerd's CNI plugin is installed",
      },
    }),
  ),
];
