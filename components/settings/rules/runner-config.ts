import { gt } from "semver";
import { cacheSettings } from "../cache.ts";
import { chartWith } from "../chart-versions.ts";
import { hintAt } from "../lookup.ts";
import { jobSettings } from "../jobs.ts";
import { managerSettings } from "../manager.ts";
import type { Path } from "../path.ts";
import { isObject, placedSettings } from "../placement.ts";
import { remove, rule, set, when, type Rule } from "./rule.ts";

/** Contradictions of `runnerConfig` with what the program itself writes into the runner's configuration. */
export const runnerConfigRules: readonly Rule[] = [
  rule(["runnerConfig"], (config) =>
    leavesOf(config).flatMap((path) => {
      const reason = reasonAgainst(path.join("."));
      return when(reason !== undefined, ["runnerConfig", ...path], {
        expected: `must not be set: ${reason ?? ""}`,
        found: null,
      });
    }),
  ),

  rule(["runnerConfig", "chart.path", "chart.version"], (config, path, version) =>
    leavesOf(config).flatMap((leaf) => {
      const own = ["runnerConfig", ...leaf];
      const since = sinceOf(own);
      const oldest = since === undefined ? version : chartWith(since);
      return when(path === undefined && gt(oldest, version), own, {
        expected: `must not be set with chart ${version}: it needs GitLab Runner ${since ?? ""} or newer`,
        fix: { first: set(["chart", "version"], oldest), or: remove(...own) },
        found: null,
      });
    }),
  ),
];

/** @returns the paths of all values that are no tables */
function leavesOf(table: Readonly<Record<string, unknown>> = {}): string[][] {
  return Object.entries(table).flatMap(([key, value]) =>
    isObject(value) ? leavesOf(value).map((path) => [key, ...path]) : [[key]],
  );
}

/** @returns the version of the first runner that knows a key, or a table around it */
function sinceOf(path: Path): string | undefined {
  return path.map((_, index) => hintAt(path.slice(0, index + 1), "since")).find((since) => since !== undefined);
}

/** @returns why only the program may set a key of `[[runners]]`; undefined where everybody may */
function reasonAgainst(key: string): string | undefined {
  const [, setting] = settingsByKey().find(([own]) => isWithin(key, own)) ?? [];
  const [reason] = Object.entries(reasons).find(([, keys]) => keys.some((own) => isWithin(key, own))) ?? [];
  return setting === undefined ? reason : `${setting} is the setting for it`;
}

function isWithin(key: string, own: string | RegExp): boolean {
  return typeof own === "string" ? key === own || key.startsWith(`${own}.`) : own.test(key);
}

/** @returns keys that have a setting of their own, and its name; few stacks need to know */
function settingsByKey(): (readonly [string | RegExp, string])[] {
  return [
    ...Object.entries({ manager: managerSettings, jobs: jobSettings, cache: cacheSettings }).flatMap(
      ([group, schema]) =>
        placedSettings(schema).flatMap(({ path, place }) =>
          "toml" in place && place.toml !== "kubernetes" ? [[place.toml, [group, ...path].join(".")] as const] : [],
        ),
    ),
    [
      /^kubernetes\.(\w+_)?(cpu|memory|ephemeral_storage)_(request|limit)_overwrite_max_allowed$/,
      "jobs.overwriteMaxAllowed",
    ],
    [/^kubernetes\.(cpu|memory|ephemeral_storage)_(request|limit)$/, "jobs.resources"],
    [/^kubernetes\.helper_(cpu|memory|ephemeral_storage)_(request|limit)$/, "jobs.helperResources"],
    [/^kubernetes\.service_(cpu|memory|ephemeral_storage)_(request|limit)$/, "jobs.serviceResources"],
    [/^tls-(ca|cert|key)-file$/, "caCertificate"],
    [/^cache\.s3\.(AccessKey|SecretKey|SessionToken)$/, "cache.credentials"],
  ];
}

/** Keys that nobody may set, by the reason. */
const reasons: Readonly<Record<string, readonly string[]>> = {
  "the chart sets it when the manager starts": ["name", "url", "id", "token", "token_obtained_at", "token_expires_at"],
  "this program sets up the Kubernetes executor": ["executor"],
  "the cache is in an S3-compatible store, whose keys are in a Secret": [
    ...["cache.Type", "cache.s3.AuthenticationType", "cache.gcs", "cache.azure"],
  ],
  "this program rotates the token, and the runner would replace it by itself": [
    "feature_flags.FF_DISABLE_AUTOMATIC_TOKEN_ROTATION",
  ],
  "the manager uses its own ServiceAccount, in its own cluster": [
    ...["host", "context", "cert_file", "key_file", "ca_file", "bearer_token"].map((key) => `kubernetes.${key}`),
  ],
  "a job could take the permissions of another account": [
    ...["bearer_token", "namespace", "service_account"].map((key) => `kubernetes.${key}_overwrite_allowed`),
  ],
  "the manager does not have the permissions for it": [
    ...["namespace_per_job", "autoscaler", "pod_disruption_budget"].map((key) => `kubernetes.${key}`),
  ],
};
