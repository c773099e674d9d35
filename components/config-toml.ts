import { stringify, type TomlTableWithoutBigInt } from "smol-toml";
import { linkerdAnnotations, linkerdLabels } from "./linkerd.ts";
import type { ContainerResources, JobSettings, PodSecurityLevel } from "./settings.ts";

/** Where the runner finds its build cache. */
export interface CacheLocation {
  /** `host:port` of the object store. */
  readonly server: string;
  /** Name of the bucket. */
  readonly bucket: string;
  /** Region of the bucket. */
  readonly region: string;
  /** Talk plain HTTP to the server. */
  readonly insecure: boolean;
}

/** What goes into the runner's configuration. */
export interface RunnerConfig {
  /** Namespace of the job pods. */
  readonly namespace: string;
  /** ServiceAccount of the job pods. */
  readonly jobAccount: string;
  /** Settings of the job pods. */
  readonly jobs: JobSettings;
  /** Polls for jobs that may be under way at the same time. */
  readonly requestConcurrency: number;
  /** Let Linkerd inject its proxy into the job pods. */
  readonly linkerd: boolean;
  /** Pod Security level that the job pods must meet. */
  readonly podSecurity: PodSecurityLevel;
  /** Name of a ConfigMap whose `ca.crt` the jobs' helper trusts, if there is one. */
  readonly jobCertificates: string | undefined;
  /** The build cache, if there is one. */
  readonly cache: CacheLocation | undefined;
}

/** Where job pods have the certificates of one's own authority. */
const certificatesPath = "/etc/gitlab-runner/certs";

/**
 * User and group of job containers that must not be root, where the image would make them so; GitLab's own example.
 * Source: https://docs.gitlab.com/runner/executors/kubernetes/#set-a-security-policy-for-the-pod
 */
const unprivilegedId = 59417;

/**
 * The `[[runners]]` section of the runner's `config.toml`, as a template for Helm.
 * It holds no credential: the chart's entrypoint adds token and cache keys from the mounted Secrets.
 * Source: https://docs.gitlab.com/runner/configuration/advanced-configuration/ and
 * https://docs.gitlab.com/runner/executors/kubernetes/
 */
export function configToml(config: RunnerConfig): string {
  const { jobs } = config;
  const podSpec = [...(config.podSecurity === "restricted" ? [seccompPatch] : []), ...jobs.podSpec];
  const runner = {
    executor: "kubernetes",
    request_concurrency: config.requestConcurrency,
    ...list("environment", environment(config)),
    feature_flags: {
      // The runner would replace an expiring token in its memory only, and leave Secret and state with the old one (pitfall 5).
      FF_DISABLE_AUTOMATIC_TOKEN_ROTATION: true,
      ...(podSpec.length === 0 ? {} : { FF_USE_ADVANCED_POD_SPEC_CONFIGURATION: true }),
    },
    kubernetes: {
      namespace: config.namespace,
      image: jobs.image,
      ...text("helper_image", jobs.helperImage),
      privileged: jobs.privileged,
      ...(config.podSecurity === "restricted" ? restrictedPods : {}),
      pull_policy: jobs.pullPolicy,
      ...list("image_pull_secrets", jobs.imagePullSecrets),
      ...list("allowed_images", jobs.allowedImages),
      ...list("allowed_services", jobs.allowedServices),
      service_account: config.jobAccount,
      automount_service_account_token: false,
      ...text("priority_class_name", jobs.priorityClassName),
      ...text("runtime_class_name", jobs.runtimeClassName),
      ...resources("", "", jobs.resources),
      ...resources("", overwrite, jobs.overwriteMaxAllowed.build),
      ...resources("helper_", "", jobs.helperResources),
      ...resources("helper_", overwrite, jobs.overwriteMaxAllowed.helper),
      ...resources("service_", "", jobs.serviceResources),
      ...resources("service_", overwrite, jobs.overwriteMaxAllowed.service),
      ...table("pod_labels", { ...(config.linkerd ? linkerdLabels : {}), ...jobs.podLabels }),
      ...table("pod_annotations", { ...(config.linkerd ? linkerdAnnotations : {}), ...jobs.podAnnotations }),
      ...table("node_selector", jobs.nodeSelector),
      ...table("node_tolerations", tolerations(jobs.tolerations)),
      ...(config.jobCertificates === undefined
        ? {}
        : {
            volumes: {
              config_map: [{ name: config.jobCertificates, mount_path: certificatesPath, read_only: true }],
            },
          }),
      ...(podSpec.length === 0
        ? {}
        : {
            pod_spec: podSpec.map(({ name, type, patch }) => ({
              name,
              patch_type: type,
              patch: JSON.stringify(patch),
            })),
          }),
    },
    ...(config.cache === undefined ? {} : { cache: cache(config.cache) }),
  };
  return escapeTemplate(escapeUnicode(stringify({ runners: [runner] })));
}

/** What the `restricted` level asks of every container; see https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
const restrictedPods = {
  allow_privilege_escalation: false,
  cap_drop: ["ALL"],
  pod_security_context: {
    run_as_non_root: true,
    run_as_user: unprivilegedId,
    run_as_group: unprivilegedId,
    fs_group: unprivilegedId,
  },
};

/** The level also asks for a seccomp profile, for which the runner has a setting of its own from 18.11 on only. */
const seccompPatch: JobSettings["podSpec"][number] = {
  name: "seccomp-profile",
  type: "strategic",
  patch: { securityContext: { seccompProfile: { type: "RuntimeDefault" } } },
};

function environment({ jobs, jobCertificates }: RunnerConfig): string[] {
  const variables = {
    // Where Go, and so the helper, which fetches the cache, looks for certificates besides the image's own bundle. The
    // helper's entrypoint, which would install them, does not run under this executor. First come the usual folders,
    // as OpenSSL takes the variable in place of them.
    ...(jobCertificates === undefined ? {} : { SSL_CERT_DIR: `/etc/ssl/certs:/etc/pki/tls/certs:${certificatesPath}` }),
    ...jobs.environment,
  };
  return Object.entries(variables).map(([name, value]) => `${name}=${value}`);
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

function cache(location: CacheLocation): TomlTableWithoutBigInt {
  return {
    Type: "s3",
    Shared: true,
    s3: {
      ServerAddress: location.server,
      BucketName: location.bucket,
      // Empty, it would be looked up at AWS, for 30 seconds (pitfall 2).
      BucketLocation: location.region,
      Insecure: location.insecure,
      AuthenticationType: "access-key",
    },
  };
}

/** Ending of the settings that bound what a job's own variables may ask for. */
const overwrite = "_overwrite_max_allowed";

function resources(prefix: string, suffix: string, { requests, limits }: ContainerResources): Record<string, string> {
  const named = (kind: string, amounts: ContainerResources["requests"]) =>
    (["cpu", "memory", "ephemeral-storage"] as const).flatMap((name) => {
      const amount = amounts[name];
      return amount === undefined ? [] : [[`${prefix}${name.replace("-", "_")}_${kind}${suffix}`, amount] as const];
    });
  return Object.fromEntries([...named("request", requests), ...named("limit", limits)]);
}

function text(key: string, value: string | undefined): TomlTableWithoutBigInt {
  return value === undefined ? {} : { [key]: value };
}

function list(key: string, items: readonly string[]): TomlTableWithoutBigInt {
  return items.length === 0 ? {} : { [key]: [...items] };
}

function table(key: string, entries: Readonly<Record<string, string>>): TomlTableWithoutBigInt {
  return Object.keys(entries).length === 0 ? {} : { [key]: entries };
}

/**
 * The runner's way to write tolerations: `"key=value" = "effect"` for one value, `key = "effect"` for any, and an empty
 * effect for every one.
 */
export function tolerations(list: JobSettings["tolerations"]): Record<string, string> {
  return Object.fromEntries(list.map((toleration) => [tolerationKey(toleration), toleration.effect ?? ""]));
}

/** @returns what the runner tells tolerations apart by */
export function tolerationKey({ key = "", operator, value }: JobSettings["tolerations"][number]): string {
  return operator === "Exists" ? key : `${key}=${value ?? ""}`;
}
