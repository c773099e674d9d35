import { existsSync } from "node:fs";
import { gte } from "semver";
import { ownedValues } from "../../chart-values.ts";
import { managerSettings } from "../manager.ts";
import { remove, rule, set, when, type Rule } from "./rule.ts";

/** Contradictions between settings of the chart. */
export const chartRules: readonly Rule[] = [
  rule(["chart.path", "chart.repository"], (path, repository) =>
    when(path !== undefined && repository !== undefined, ["chart", "repository"], {
      expected: "must not be set with chart.path, which is installed instead",
      fix: { first: remove("chart", "repository"), or: remove("chart", "path") },
    }),
  ),

  rule(["chart.path"], (path) =>
    when(path !== undefined && !existsSync(path), ["chart", "path"], {
      expected: "must be a file or folder that exists; a relative path starts beside Pulumi.yaml",
      fix: {
        first: { run: "helm pull gitlab-runner --repo https://charts.gitlab.io --version 0.86.0" },
        then: set(["chart", "path"], "gitlab-runner-0.86.0.tgz"),
      },
    }),
  ),

  rule(["chart.path", "chart.version", "manager.podMonitor"], (path, version, podMonitor) => {
    // Chart 0.65.0 has runner 17.0, the first that leaves an expiring token alone when it is told to:
    // https://docs.gitlab.com/runner/configuration/feature-flags/ (FF_DISABLE_AUTOMATIC_TOKEN_ROTATION). The other:
    // https://gitlab.com/gitlab-org/charts/gitlab-runner/-/blob/main/CHANGELOG.md (v0.85.0)
    const [oldest, reason] = podMonitor
      ? ["0.85.0", "that knows manager.podMonitor"]
      : ["0.65.0", "whose runner leaves the rotation of its token to this stack"];
    return when(path === undefined && !gte(version, oldest), ["chart", "version"], {
      expected: `must be at least ${oldest}, the first ${reason}`,
      fix: { first: set(["chart", "version"], "0.86.0") },
    });
  }),

  rule(["chart.values", "manager"], (values, manager) =>
    ownedValues(values, manager).map((path) => ({
      path: ["chart", "values", ...path],
      expected: `must not be set: ${reasonOf(String(path[0]))}`,
      found: null,
    })),
  ),
];

/** Why only this program may set a value of the chart, by its key. */
function reasonOf(key: string): string {
  if (["envVars", "extraEnv", "extraEnvFrom"].includes(key)) {
    return "the runner reads this variable as a setting, and this program manages those";
  }
  const source = sourceOfValue[key] ?? (key in managerSettings.shape ? `manager.${key}` : undefined);
  return `this program sets it${source === undefined ? "" : `, from ${source}`}`;
}

/** Settings that the chart's values come from, where their names differ. */
const sourceOfValue: Readonly<Record<string, string>> = {
  gitlabUrl: "gitlabUrl",
  terminationGracePeriodSeconds: "manager.shutdownTimeout",
  certsSecretName: "manager.certsSecret",
  runners: "jobs and cache",
};
