import { areCertificates } from "../certificates.ts";
import { remove, rule, set, when, type Rule } from "./rule.ts";

/** Contradictions between settings of the runner manager. */
export const managerRules: readonly Rule[] = [
  rule(["gitlabUrl"], (gitlabUrl) => {
    const url = new URL(gitlabUrl);
    const isOdd = /\/api\/v\d/.test(url.pathname) || `${url.search}${url.hash}${url.username}${url.password}` !== "";
    const address = `${url.origin}${url.pathname.replace(/\/(api\/v\d.*)?$/, "")}`;
    return when(isOdd, ["gitlabUrl"], {
      expected: "must be GitLab's own address, without /api/v4, query or user name",
      fix: { first: set(["gitlabUrl"], address) },
      secretFix: { first: set(["gitlabUrl"], "https://gitlab.com") },
    });
  }),

  ...(["podMonitor", "alerts", "dashboard"] as const).map((key) =>
    rule([`manager.${key}`, "manager.metrics"], (isSet, metrics) =>
      when(isSet && !metrics, ["manager", key], {
        expected: "must be false where manager.metrics is false: there is nothing to monitor",
        fix: { first: set(["manager", "metrics"], true) },
      }),
    ),
  ),

  rule(["manager.monitoringLabels", "manager.podMonitor", "manager.alerts"], (labels, podMonitor, alerts) =>
    when(Object.keys(labels).length > 0 && !podMonitor && !alerts, ["manager", "monitoringLabels"], {
      expected: "must not be set where manager.podMonitor and manager.alerts are false: there is nothing to label",
      fix: { first: set(["manager", "podMonitor"], true), or: remove("manager", "monitoringLabels") },
    }),
  ),

  rule(["manager.certsSecret", "caCertificate"], (certsSecret, caCertificate) =>
    when(certsSecret !== undefined && caCertificate !== undefined, ["manager", "certsSecret"], {
      expected: "must not be set with caCertificate, which creates its own Secret",
      fix: { first: remove("manager", "certsSecret"), or: remove("caCertificate") },
    }),
  ),

  rule(["caCertificate"], (caCertificate) =>
    when(caCertificate !== undefined && !areCertificates(caCertificate), ["caCertificate"], {
      expected: "must be one or more certificates as PEM and nothing else, above all no private key",
      found: null,
    }),
  ),
];
