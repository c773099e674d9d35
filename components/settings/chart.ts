import { valid } from "semver";
import { z } from "zod";
import { object } from "./setting.ts";

const release = "kubernetes:helm.sh/v3:Release";

/** Settings of the Helm chart. */
export const chartSettings = object({
  version: z
    .string()
    .refine((version) => valid(version) === version, "must be the exact version of a chart")
    .default("0.86.0")
    .meta({ description: "Version of the chart, at least 0.65.0.", to: { resource: release, input: "version" } }),
  repository: z
    .url({ protocol: /^https?$/, error: "must be the http(s) address of a Helm repository" })
    .refine(
      (url) => !/^https?:\/\//.test(url) || (/^[^\s\\@]+$/.test(url) && !/:0+(\/|$)/.test(url)),
      "must be a plain address, without a password, which Pulumi's state would show",
    )
    .optional()
    .meta({
      description: "Address of the Helm repository.",
      unset: "`https://charts.gitlab.io`",
      example: "https://charts.gitlab.io",
      to: { resource: release, input: "repositoryOpts.repo" },
    }),
  path: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: "A chart folder or .tgz to install instead of one from the repository, as in a closed network.",
      unset: "none",
      fix: "pulumi config rm --path chart.path    (to install it from the repository)",
      to: { resource: release, input: "chart" },
    }),
  timeoutSeconds: z
    .int()
    .min(1)
    .max(24 * 3600)
    .default(300)
    .meta({
      description: "Seconds that the release may take to become ready.",
      to: { resource: release, input: "timeout" },
    }),
  values: z
    .record(z.string(), z.json())
    .default({})
    .meta({
      description: "Other values of the chart, for what has no setting here; those that this program sets are refused.",
      unset: "none",
      example: { revisionHistoryLimit: 2 },
      to: { values: "" },
    }),
});

/** Complete settings of the Helm chart. */
export interface ChartSettings extends z.output<typeof chartSettings> {}
