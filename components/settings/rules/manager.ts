import { areCertificates } from "../certificates.ts";
import { remove, rule, set, when, type Rule } from "./rule.ts";

/** Contradictions between settings of the runner manager. */
export const managerRules: readonly Rule[] = [
  rule(["gitlabUrl"], (gitlabUrl) => {
    const { protocol, host, hostname, port, pathname, search, hash, username, password } = new URL(gitlabUrl);
    const hasMore = /\/api\/v\d/.test(pathname) || `${search}${hash}${username}${password}` !== "";
    // Of what is not written like this, browsers and Go make different hosts, or the runner looks for another certificate.
    const isPlain = /^https?:\/\/(\[[0-9a-f:]+\]|[a-z0-9._-]+)(:[1-9]\d*)?(\/[^\s\\$]*)?$/.test(gitlabUrl);
    const path = pathname.replace(/\/(api\/v\d.*)?$/, "").replaceAll("$", "%24");
    return when(hasMore || !isPlain, ["gitlabUrl"], {
      expected: hasMore
        ? "must be GitLab's own address, without /api/v4, query or user name"
        : "must be GitLab's address in full, with the host in lower case",
      fix: { first: set(["gitlabUrl"], `${protocol}//${port === "0" ? hostname : host}${path}`) },
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

  // Its file is named after the host, and Kubernetes takes no brackets and colons in the name of a file in a Secret:
  // https://docs.gitlab.com/runner/configuration/tls-self-signed/
  rule(["gitlabUrl", "caCertificate"], (gitlabUrl, caCertificate) =>
    when(caCertificate !== undefined && new URL(gitlabUrl).hostname.startsWith("["), ["gitlabUrl"], {
      expected: "must have a name or an IPv4 address with caCertificate, which the runner does not find for IPv6",
      fix: { first: set(["gitlabUrl"], "https://gitlab.example.com"), or: remove("caCertificate") },
    }),
  ),

  rule(["caCertificate"], (caCertificate) =>
    when(caCertificate !== undefined && !areCertificates(caCertificate), ["caCertificate"], {
      expected: "must be one or more certificates as PEM and nothing else, above all no private key",
      found: null,
    }),
  ),
];
