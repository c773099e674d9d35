import { gte } from "semver";
import { stringify, type TomlTableWithoutBigInt } from "smol-toml";
import { linkerdAnnotations, linkerdLabels } from "./linkerd.ts";
import type { CacheLocation, Release } from "./runner-release.ts";
import { chartWith } from "./settings/chart-versions.ts";
import type { ChartSettings } from "./settings/chart.ts";
import { jobSettings, podSpecPatches, type JobSettings } from "./settings/jobs.ts";
import { managerSettings } from "./settings/manager.ts";
import { isObject, merge, placeSettings } from "./settings/placement.ts";

/** Folder where the certificates of your own CA are mounted in job pods. */
const certificatesPath = "/etc/gitlab-runner/certs";

/**
 * User and group id of job containers that must not run as root, used instead of the image's user; from GitLab's example.
 * Source: https://docs.gitlab.com/runner/executors/kubernetes/#set-a-security-policy-for-the-pod
 */
const unprivilegedId = 59417;

/**
 * The `[[runners]]` section of the runner's `config.toml`, as a template for Helm. Settings go where their declaration says;
 * this adds what comes from the other resources. It contains no credentials: the chart's entrypoint adds the token and the
 * cache keys from the mounted Secrets.
 * Source: https://docs.gitlab.com/runner/configuration/advanced-configuration/ and
 * https://docs.gitlab.com/runner/executors/kubernetes/
 */
export function configToml(release: Release): string {
  const settings = merge(
    placeSettings("toml", managerSettings, release.manager),
    placeSettings("toml", jobSettings, release.jobs),
  );
  const runner = [
    base(release),
    ...(release.linkerd ? [meshed] : []),
    ...(release.podSecurity === "restricted" ? [restricted, withSeccompProfile(release.chart)] : []),
    ...(release.jobCertificates === undefined ? [] : [trusting(release.jobCertificates, release.jobs)]),
    ...(release.cache === undefined ? [] : [{ cache: cache(release.cache) }]),
  ].reduce((runner, part) => merge(runner, part));
  const complete = withPodSpecFlag(merge(merge(runner, settings), release.runnerConfig ?? {}));
  return escapeTemplate(escapeUnicode(stringify({ runners: [ordered(complete)] })));
}

function base({ jobNamespace, jobAccount }: Release): Record<string, unknown> {
  return {
    executor: "kubernetes",
    // The runner would replace an expiring token by itself, but only in its own configuration: the Secret and the state
    // would keep the old one:
    // https://docs.gitlab.com/ci/runners/configure_runners/#automatically-rotate-runner-authentication-tokens
    feature_flags: { FF_DISABLE_AUTOMATIC_TOKEN_ROTATION: true },
    kubernetes: {
      namespace: jobNamespace,
      service_account: jobAccount,
    },
  };
}

const meshed = { kubernetes: { pod_labels: linkerdLabels, pod_annotations: linkerdAnnotations } };

/**
 * Requirements of the `restricted` level for every container; see https://kubernetes.io/docs/concepts/security/pod-security-standards/.
 */
const restricted = {
  kubernetes: {
    allow_privilege_escalation: false,
    cap_drop: ["ALL"],
    pod_security_context: {
      run_as_non_root: true,
      run_as_user: unprivilegedId,
      run_as_group: unprivilegedId,
      fs_group: unprivilegedId,
    },
  },
};

/** The level also requires a seccomp profile, for which the runner has a setting since 18.11; patches are a beta feature of it. */
function withSeccompProfile({ path, version }: ChartSettings): Record<string, unknown> {
  const type = "RuntimeDefault";
  const hasSetting = path === undefined && gte(version, chartWith("18.11"));
  return {
    kubernetes: hasSetting
      ? { pod_security_context: { seccomp_profile: { type } } }
      : {
          pod_spec: podSpecPatches([
            { name: "seccomp-profile", type: "strategic", patch: { securityContext: { seccompProfile: { type } } } },
          ]),
        },
  };
}

function trusting(jobCertificates: string, { environment }: JobSettings): Record<string, unknown> {
  const volume = { name: jobCertificates, mount_path: certificatesPath, read_only: true };
  return {
    kubernetes: { volumes: { config_map: [volume] } },
    // Go, and therefore the helper that downloads the cache, reads certificates from these folders in addition to the
    // image's bundle. (The helper's entrypoint would install them, but does not run with this executor.) The default
    // folders come first because for OpenSSL this variable replaces them.
    environment:
      "SSL_CERT_DIR" in environment ? [] : [`SSL_CERT_DIR=/etc/ssl/certs:/etc/pki/tls/certs:${certificatesPath}`],
  };
}

function cache(location: CacheLocation): TomlTableWithoutBigInt {
  return {
    Type: "s3",
    Shared: true,
    ...(location.path === undefined ? {} : { Path: location.path }),
    s3: {
      ServerAddress: location.server,
      BucketName: location.bucket,
      // If this is empty, the runner asks AWS for the bucket's region, which takes 30 seconds without access to AWS.
      BucketLocation: location.region,
      Insecure: location.insecure,
      AuthenticationType: "access-key",
    },
  };
}

/** The runner applies patches of the pod spec only with this feature flag. */
function withPodSpecFlag(runner: Record<string, unknown>): Record<string, unknown> {
  const { pod_spec: patches } = runner["kubernetes"] as { pod_spec?: readonly unknown[] };
  return patches === undefined || patches.length === 0
    ? runner
    : merge(runner, { feature_flags: { FF_USE_ADVANCED_POD_SPEC_CONFIGURATION: true } });
}

/**
 * @returns the table without empty values, sorted by key: a change of the text restarts the manager, so it must not depend on
 * the order of the declarations
 */
function ordered(table: Record<string, unknown>): TomlTableWithoutBigInt {
  const entries = Object.entries(table)
    .map(([key, value]) => [key, isObject(value) ? ordered(value) : value] as const)
    .filter(([, value]) => typeof value !== "object" || Object.keys(value as object).length > 0)
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries) as TomlTableWithoutBigInt;
}

/**
 * The same TOML in ASCII: it is embedded in YAML, which treats some other characters as line breaks and rejects some. They
 * occur only in strings and quoted keys, where TOML can escape them.
 */
function escapeUnicode(toml: string): string {
  return toml.replace(
    /[^\n\x20-\x7e]/gu,
    (character) => `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, "0")}`,
  );
}

/**
 * Escapes text so that Helm's `tpl`, which the chart applies to it, returns it unchanged.
 * Source: https://helm.sh/docs/howto/charts_tips_and_tricks/#using-the-tpl-function
 */
export function escapeTemplate(text: string): string {
  return text.replaceAll("{{", '{{ "{{" }}');
}
