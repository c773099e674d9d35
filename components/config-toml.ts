import { stringify, type TomlTableWithoutBigInt } from "smol-toml";
import { linkerdAnnotations, linkerdLabels } from "./linkerd.ts";
import type { ContainerResources, JobSettings } from "./settings.ts";

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
  /** Let Linkerd inject its proxy into the job pods. */
  readonly linkerd: boolean;
  /** The build cache, if there is one. */
  readonly cache: CacheLocation | undefined;
}

/**
 * The `[[runners]]` section of the runner's `config.toml`, as a template for Helm.
 * It holds no credential: the chart's entrypoint adds token and cache keys from the mounted Secrets.
 * Source: https://docs.gitlab.com/runner/configuration/advanced-configuration/ and
 * https://docs.gitlab.com/runner/executors/kubernetes/
 */
export function configToml(config: RunnerConfig): string {
  const { jobs } = config;
  const runner = {
    executor: "kubernetes",
    feature_flags: {
      // The runner would replace an expiring token in its memory only, and leave Secret and state with the old one (pitfall 5).
      FF_DISABLE_AUTOMATIC_TOKEN_ROTATION: true,
    },
    kubernetes: {
      namespace: config.namespace,
      image: jobs.image,
      privileged: jobs.privileged,
      pull_policy: jobs.pullPolicy,
      service_account: config.jobAccount,
      automount_service_account_token: false,
      ...resources("", jobs.resources),
      ...resources("helper_", jobs.helperResources),
      ...resources("service_", jobs.serviceResources),
      ...table("pod_labels", { ...(config.linkerd ? linkerdLabels : {}), ...jobs.podLabels }),
      ...table("pod_annotations", { ...(config.linkerd ? linkerdAnnotations : {}), ...jobs.podAnnotations }),
      ...table("node_selector", jobs.nodeSelector),
      ...table("node_tolerations", tolerations(jobs)),
    },
    ...(config.cache === undefined ? {} : { cache: cache(config.cache) }),
  };
  return escapeTemplate(stringify({ runners: [runner] }));
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

function resources(prefix: string, { requests, limits }: ContainerResources): TomlTableWithoutBigInt {
  const entries = {
    [`${prefix}cpu_request`]: requests.cpu,
    [`${prefix}cpu_limit`]: limits.cpu,
    [`${prefix}memory_request`]: requests.memory,
    [`${prefix}memory_limit`]: limits.memory,
  };
  return Object.fromEntries(Object.entries(entries).filter((entry) => entry[1] !== undefined)) as Record<
    string,
    string
  >;
}

function table(key: string, entries: Readonly<Record<string, string>>): TomlTableWithoutBigInt {
  return Object.keys(entries).length === 0 ? {} : { [key]: entries };
}

/** The runner writes a toleration as `"key=value" = "effect"`, with an empty effect for every effect. */
function tolerations(jobs: JobSettings): Record<string, string> {
  return Object.fromEntries(
    jobs.tolerations.map(({ key = "", value, effect = "" }) => [value === undefined ? key : `${key}=${value}`, effect]),
  );
}
