import { parse, type TomlTable } from "smol-toml";
import { z } from "zod";
import type { RegistrationInput } from "./entry-script.ts";

const strings = z.record(z.string(), z.string()).default({});
const list = z.array(z.string()).default([]);

/** Settings from which the stand-in builds a job's pod; `job-resources.ts` has those of resources. */
const kubernetesSchema = z.looseObject({
  namespace: z.string().default("default"),
  image: z.string().default(""),
  helper_image: z.string().optional(),
  privileged: z.boolean().optional(),
  allow_privilege_escalation: z.boolean().optional(),
  cap_drop: list,
  pull_policy: list,
  image_pull_secrets: list,
  allowed_images: list,
  node_selector: strings,
  node_tolerations: strings,
  pod_labels: strings,
  pod_annotations: strings,
  service_account: z.string().optional(),
  automount_service_account_token: z.boolean().optional(),
  priority_class_name: z.string().optional(),
  runtime_class_name: z.string().optional(),
  volumes: z
    .object({
      config_map: z
        .array(z.object({ name: z.string(), mount_path: z.string(), read_only: z.boolean().optional() }))
        .default([]),
    })
    .prefault({}),
  pod_security_context: z
    .object({
      run_as_user: z.number().optional(),
      run_as_group: z.number().optional(),
      run_as_non_root: z.boolean().optional(),
      fs_group: z.number().optional(),
    })
    .default({}),
  pod_spec: z
    .array(
      z.object({
        name: z.string(),
        patch: z.string(),
        patch_type: z.enum(["strategic", "merge", "json"]).default("strategic"),
      }),
    )
    .default([]),
});

const runnerSchema = z.looseObject({
  name: z.string(),
  url: z.string(),
  token: z.string().regex(/^.{20,}$/, "is no runner token: too short"),
  executor: z.literal("kubernetes"),
  environment: list,
  feature_flags: z.record(z.string(), z.boolean()).default({}),
  cache: z
    .looseObject({
      Path: z.string().default(""),
      Shared: z.boolean().default(false),
      s3: z
        .looseObject({
          ServerAddress: z.string(),
          AccessKey: z.string().default(""),
          SecretKey: z.string().default(""),
          BucketName: z.string(),
          BucketLocation: z.string(),
          Insecure: z.boolean().default(false),
        })
        .optional(),
    })
    .optional(),
  kubernetes: kubernetesSchema,
});

const configSchema = z.looseObject({
  check_interval: z.number().int().nonnegative().default(3),
  shutdown_timeout: z.number().int().nonnegative().default(0),
  runner: runnerSchema,
});

/** The manager's keys and its only `[[runners]]`. */
export type ManagerConfig = z.output<typeof configSchema>;
/** The `[[runners]]` entry. */
export type RunnerEntry = z.output<typeof runnerSchema>;
/** `[runners.kubernetes]`: where and how job pods are created. */
export type KubernetesSettings = z.output<typeof kubernetesSchema>;

/**
 * The result of `gitlab-runner register --template-config` with the mounted files: the manager's keys, one `[[runners]]`
 * from the template, name, URL and token from the environment, and cache keys from the environment only if the template
 * has none. Values are literals: `"$CACHE_S3_ACCESS_KEY"` is not expanded.
 * Throws if the template does not have exactly one `[[runners]]`, or a value is invalid.
 */
export function registerRunner(input: RegistrationInput): ManagerConfig {
  const template = parse(input.template);
  const entries = Array.isArray(template.runners) ? template.runners : [];
  const [entry] = entries;
  if (entries.length !== 1 || !isTable(entry)) {
    throw new Error(`the configuration template must have exactly one [[runners]], not ${entries.length}`);
  }
  const env = input.environment;
  const runner: TomlTable = {
    ...entry,
    // `register` ignores a name in the template.
    name: env.RUNNER_NAME ?? input.hostname,
    url: env.CI_SERVER_URL ?? "",
    token: env.CI_SERVER_TOKEN ?? "",
    executor: env.RUNNER_EXECUTOR ?? entry.executor ?? "",
  };
  fill(child(runner, "kubernetes"), "namespace", env.KUBERNETES_NAMESPACE);
  if (isTable(runner.cache)) {
    const s3 = child(runner.cache, "s3");
    fill(s3, "AccessKey", env.CACHE_S3_ACCESS_KEY);
    fill(s3, "SecretKey", env.CACHE_S3_SECRET_KEY);
  }
  const checked = configSchema.safeParse({ ...parse(input.config), runner });
  if (!checked.success) {
    // Only paths and reasons: Zod's own text may quote a value.
    const problems = checked.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new Error(`the runner's configuration is not usable: ${problems.join("; ")}`);
  }
  return checked.data;
}

/** First 9 characters of a runner token after its prefix, which the runner uses in the names of pods and cache folders. */
export function shortToken(token: string): string {
  return token.replace(/^(glrt-|GR1348941)(t\d_)?/, "").slice(0, 9);
}

/** Keys of `[runners.kubernetes]` that the stand-in ignores. */
export function unusedKubernetesKeys(settings: KubernetesSettings): string[] {
  const amount = /^(helper_)?(cpu|memory|ephemeral_storage)_(request|limit)(_overwrite_max_allowed)?$/;
  return Object.keys(settings).filter((key) => !(key in kubernetesSchema.shape) && !amount.test(key));
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
