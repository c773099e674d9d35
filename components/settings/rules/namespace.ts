import { isSystemNamespace } from "../values.ts";
import { remove, rule, set, when, type Rule } from "./rule.ts";

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

  rule(["jobs.capabilities", "podSecurity", "linkerd"], ({ add }, podSecurity, linkerd) => {
    const level = podSecurity ?? (linkerd ? "privileged" : "baseline");
    const allowed = level === "restricted" ? restrictedCapabilities : baselineCapabilities;
    return add
      .flatMap((capability, index) =>
        when(level !== "privileged" && !allowed.includes(capability), ["jobs", "capabilities", "add", index], {
          expected: `must be one that Kubernetes admits where podSecurity is ${level}: ${allowed.join(", ")}`,
          fix: { first: set(["podSecurity"], "privileged"), or: remove("jobs", "capabilities", "add", index) },
        }),
      )
      .toReversed();
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

/** Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline (Capabilities) */
const baselineCapabilities = [
  ...["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"],
  ...["SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"],
];

/** Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted (Capabilities) */
const restrictedCapabilities = ["NET_BIND_SERVICE"];
