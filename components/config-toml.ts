import { stringify, type TomlTableWithoutBigInt } from "smol-toml";
import { linkerdAnnotations, linkerdLabels } from "./linkerd.ts";
import type { CacheLocation, Release } from "./runner-release.ts";
import { jobSettings, podSpecPatches, type JobSettings } from "./settings/jobs.ts";
import { managerSettings } from "./settings/manager.ts";
import { isObject, merge, placeSettings } from "./settings/placement.ts";

/** Where job pods have the certificates of your own CA. */
const certificatesPath = "/etc/gitlab-runner/certs";

/**
 * User and group of job containers that must not be root, where the image would make them so; GitLab's own example.
 * Source: https://docs.gitlab.com/runner/executors/kubernetes/#set-a-security-policy-for-the-pod
 */
const unprivilegedId = 59417;

/**
 * The `[[runners]]` section of the runner's `config.toml`, as a template for Helm. Settings go where their declaration says;
 * this adds what the other resources bring. It holds no credential: the chart's entrypoint adds token and cache keys from the
 * mounted Secrets.
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
    ...(release.podSecurity === "restricted" ? [restricted] : []),
    ...(release.jobCertificates === undefined ? [] : [trusting(release.jobCertificates, release.jobs)]),
    ...(release.cache === undefined ? [] : [{ cache: cache(release.cache) }]),
  ].reduce((runner, part) => merge(runner, part));
  const complete = withPodSpecFlag(merge(runner, settings));
  return escapeTemplate(escapeUnicode(stringify({ runners: [ordered(complete)] })));
}

function base({ jobNamespace, jobAccount }: Release): Record<string, unknown> {
  return {
    executor: "kubernetes",
    // The runner would replace an expiring token in its own memory only, and leave Secret and state with the old one:
    // https://docs.gitlab.com/ci/runners/configure_runners/#automatically-rotate-runner-authentication-tokens
    feature_flags: { FF_DISABLE_AUTOMATIC_TOKEN_ROTATION: true },
    kubernetes: {
      namespace: jobNamespace,
      service_account: jobAccount,
      automount_service_account_token: false,
    },
  };
}

const meshed = { kubernetes: { pod_labels: linkerdLabels, pod_annotations: linkerdAnnotations } };

/**
 * What the `restricted` level asks of every container; see https://kubernetes.io/docs/concepts/security/pod-security-standards/.
 * For its seccomp profile, the runner has a setting only from 18.11 on.
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
    pod_spec: podSpecPatches([
      {
        name: "seccomp-profile",
        type: "strategic",
        patch: { securityContext: { seccompProfile: { type: "RuntimeDefault" } } },
      },
    ]),
  },
};

function trusting(jobCertificates: string, { environment }: JobSettings): Record<string, unknown> {
  const volume = { name: jobCertificates, mount_path: certificatesPath, read_only: true };
  return {
    kubernetes: { volumes: { config_map: [volume] } },
    // Where Go, and so the helper, which fetches the cache, looks for certificates besides the image's own bundle. The
    // helper's entrypoint, which would install them, does not run under this executor. First come the usual folders,
    // as OpenSSL takes the variable in place of them.
    environment:
      "SSL_CERT_DIR" in environment ? [] : [`SSL_CERT_DIR=/etc/ssl/certs:/etc/pki/tls/certs:${certificatesPath}`],
  };
}

function cache(location: CacheLocation): TomlTableWithoutBigInt {
  return {
    Type: "s3",
    Shared: true,
    s3: {
      ServerAddress: location.server,
      BucketName: location.bucket,
      // Empty, it would be looked up at AWS, for 30 seconds.
      BucketLocation: location.region,
      Insecure: location.insecure,
      AuthenticationType: "access-key",
    },
  };
}

/** The runner applies patches only with its feature flag. */
function withPodSpecFlag(runner: Record<string, unknown>): Record<string, unknown> {
  const { pod_spec: patches } = runner["kubernetes"] as { pod_spec?: readonly unknown[] };
  return patches === undefined || patches.length === 0
    ? runner
    : merge(runner, { feature_flags: { FF_USE_ADVANCED_POD_SPEC_CONFIGURATION: true } });
}

/**
 * @returns the table without what is empty, in the order of its keys, so that the text, whose change restarts the manager, does
 * not depend on the order of the declarations
 */
function ordered(table: Record<string, unknown>): TomlTableWithoutBigInt {
  const entries = Object.entries(table)
    .map(([key, value]) => [key, isObject(value) ? ordered(value) : value] as const)
    .filter(([, value]) => typeof value !== "object" || Object.keys(value as object).length > 0)
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries) as TomlTableWithoutBigInt;
}

/**
 * The same TOML in ASCII: YAML, which carries it into the ConfigMap, takes some other characters for line breaks and
 * refuses some. They can stand in strings and quoted keys only, and there TOML has an escape for each.
 */
function escapeUnicode(toml: string): string {
  return toml.replace(
    /[^\n\x20-\x7e]/gu,
    (character) => `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, "0")}`,
  );
}

/**
 * Text that Helm's `tpl`, which the chart runs on it, turns back into `text`.
 * Source: https://helm.sh/docs/howto/charts_tips_and_tricks/#using-the-tpl-function
 */
export function escapeTemplate(text: string): string {
  return text.replaceAll("{{", '{{ "{{" }}');
}
