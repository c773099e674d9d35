import { parse, stringify, type TomlTable } from "smol-toml";
import { z } from "zod";

const quantity = z.union([z.string(), z.number()]).transform(String).optional();
const strings = z.record(z.string(), z.string());
const securityContext = z
  .looseObject({
    run_as_user: z.number().optional(),
    run_as_group: z.number().optional(),
    run_as_non_root: z.boolean().optional(),
    privileged: z.boolean().optional(),
    allow_privilege_escalation: z.boolean().optional(),
    read_only_root_filesystem: z.boolean().optional(),
    fs_group: z.number().optional(),
    supplemental_groups: z.array(z.number()).optional(),
    capabilities: z.object({ add: z.array(z.string()).optional(), drop: z.array(z.string()).optional() }).optional(),
    seccomp_profile: z.looseObject({ type: z.string() }).optional(),
  })
  .optional();

const mountedVolume = z.looseObject({
  name: z.string(),
  mount_path: z.string(),
  read_only: z.boolean().default(false),
});

const kubernetesSchema = z.looseObject({
  namespace: z.string().default("default"),
  image: z.string().default(""),
  helper_image: z.string().optional(),
  privileged: z.boolean().optional(),
  allow_privilege_escalation: z.boolean().optional(),
  cpu_request: quantity,
  cpu_limit: quantity,
  memory_request: quantity,
  memory_limit: quantity,
  ephemeral_storage_request: quantity,
  ephemeral_storage_limit: quantity,
  helper_cpu_request: quantity,
  helper_cpu_limit: quantity,
  helper_memory_request: quantity,
  helper_memory_limit: quantity,
  service_cpu_request: quantity,
  service_cpu_limit: quantity,
  service_memory_request: quantity,
  service_memory_limit: quantity,
  pull_policy: z.union([z.string(), z.array(z.string())]).optional(),
  node_selector: strings.default({}),
  node_tolerations: strings.default({}),
  pod_labels: strings.default({}),
  pod_annotations: strings.default({}),
  service_account: z.string().optional(),
  automount_service_account_token: z.boolean().optional(),
  priority_class_name: z.string().optional(),
  scheduler_name: z.string().optional(),
  runtime_class_name: z.string().optional(),
  image_pull_secrets: z.array(z.string()).default([]),
  poll_timeout: z.number().default(180),
  pod_termination_grace_period_seconds: z.number().optional(),
  allowed_images: z.array(z.string()).default([]),
  allowed_services: z.array(z.string()).default([]),
  cap_add: z.array(z.string()).default([]),
  cap_drop: z.array(z.string()).default([]),
  volumes: z
    .looseObject({ config_map: z.array(mountedVolume).default([]), secret: z.array(mountedVolume).default([]) })
    .prefault({}),
  pod_security_context: securityContext,
  init_permissions_container_security_context: securityContext,
  build_container_security_context: securityContext,
  helper_container_security_context: securityContext,
  service_container_security_context: securityContext,
  pod_spec: z
    .array(
      z.looseObject({
        name: z.string().optional(),
        patch: z.string(),
        patch_type: z.enum(["strategic", "merge", "json"]).default("strategic"),
      }),
    )
    .default([]),
});

const cacheSchema = z.looseObject({
  Type: z.string().optional(),
  Path: z.string().default(""),
  Shared: z.boolean().default(false),
  s3: z
    .looseObject({
      ServerAddress: z.string().optional(),
      AccessKey: z.string().default(""),
      SecretKey: z.string().default(""),
      BucketName: z.string().default(""),
      BucketLocation: z.string().default(""),
      Insecure: z.boolean().default(false),
    })
    .optional(),
});

const runnerSchema = z.looseObject({
  name: z.string(),
  url: z.string(),
  token: z.string().regex(/^.{20,}$/, "is no runner token: too short"),
  executor: z.literal("kubernetes"),
  limit: z.number().default(0),
  request_concurrency: z.number().default(1),
  environment: z.array(z.string()).default([]),
  pre_build_script: z.string().optional(),
  post_build_script: z.string().optional(),
  feature_flags: z.record(z.string(), z.boolean()).default({}),
  cache: cacheSchema.optional(),
  kubernetes: kubernetesSchema,
});

const configSchema = z.looseObject({
  concurrent: z.number().int().positive().default(1),
  check_interval: z.number().int().nonnegative().default(3),
  shutdown_timeout: z.number().int().nonnegative().default(30),
  runners: z.array(runnerSchema).length(1),
});

/** A runner's whole `config.toml`: the manager's own keys and its only `[[runners]]`. */
export type ManagerConfig = z.output<typeof configSchema>;
/** The `[[runners]]` entry. */
export type RunnerEntry = z.output<typeof runnerSchema>;
/** `[runners.kubernetes]`: where and how job pods are made. */
export type KubernetesSettings = z.output<typeof kubernetesSchema>;
/** `[runners.cache]`. */
export type CacheSettings = z.output<typeof cacheSchema>;

/** The texts and the environment that a manager starts from. */
export interface RegistrationInput {
  /** `config.toml`: keys of the manager. */
  readonly config: string;
  /** `config.template.toml`: exactly one `[[runners]]`. */
  readonly template: string;
  /** The manager container's environment; `CI_SERVER_TOKEN`, `CACHE_S3_*` and the like are read from it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Name where the environment gives no `RUNNER_NAME`: the host's, so the pod's. */
  readonly hostname: string;
}

/**
 * What `gitlab-runner register --template-config` makes of the mounted files: the manager's keys, one `[[runners]]`
 * from the template, name, address and token from the environment, and cache keys from the environment only where the
 * template has none. Values are literals: `"$CACHE_S3_ACCESS_KEY"` stays those characters (design 5.1).
 * Throws if the template has not exactly one `[[runners]]`, or a value is not what the runner takes.
 */
export function registerRunner(input: RegistrationInput): { readonly config: ManagerConfig; readonly toml: string } {
  const globals = parse(input.config);
  const template = parse(input.template);
  const entries = Array.isArray(template.runners) ? template.runners : [];
  const [entry] = entries;
  if (entries.length !== 1 || !isTable(entry)) {
    throw new Error(`the configuration template must have exactly one [[runners]], not ${entries.length}`);
  }
  const env = input.environment;
  const runner: TomlTable = {
    ...entry,
    // A name in the template is ignored (design 5.6).
    name: env.RUNNER_NAME ?? input.hostname,
    url: env.CI_SERVER_URL ?? "",
    token: env.CI_SERVER_TOKEN ?? "",
    executor: env.RUNNER_EXECUTOR ?? entry.executor ?? "",
  };
  const kubernetes = child(runner, "kubernetes");
  fill(kubernetes, "namespace", env.KUBERNETES_NAMESPACE);
  if (isTable(runner.cache)) {
    const s3 = child(runner.cache, "s3");
    fill(s3, "AccessKey", env.CACHE_S3_ACCESS_KEY);
    fill(s3, "SecretKey", env.CACHE_S3_SECRET_KEY);
  }
  const merged = { ...globals, runners: [runner] };
  const checked = configSchema.safeParse(merged);
  if (!checked.success) {
    // Paths and reasons only: zod's own text may quote a value.
    const problems = checked.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new Error(`the runner's configuration is not usable: ${problems.join("; ")}`);
  }
  return { config: checked.data, toml: stringify(merged) };
}

/** First 9 characters of a runner token after its prefix, as the runner names pods and cache folders by. */
export function shortToken(token: string): string {
  return token.replace(/^(glrt-|GR1348941)(t\d_)?/, "").slice(0, 9);
}

/** Keys of `[runners.kubernetes]` that the built-in manager does not act on. */
export function unusedKubernetesKeys(settings: KubernetesSettings): string[] {
  return Object.keys(settings).filter((key) => !(key in kubernetesSchema.shape) && !/_overwrite_/.test(key));
}

function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function child(parent: TomlTable, key: string): TomlTable {
  const copy = isTable(parent[key]) ? { ...parent[key] } : {};
  parent[key] = copy;
  return copy;
}

function fill(table: TomlTable, key: string, value: string | undefined): void {
  if (value !== undefined && (table[key] === undefined || table[key] === "")) {
    table[key] = value;
  }
}
