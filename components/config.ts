import * as pulumi from "@pulumi/pulumi";
import * as runtimeConfig from "@pulumi/pulumi/runtime/config.js";
import { z } from "zod";
import {
  ConfigError,
  describeIssues,
  doubtfulKeys,
  errorMessage,
  type Path,
  type RawConfig,
} from "./config-problems.ts";
import { findContradictions } from "./config-rules.ts";
import type { GitLabRunnerArgs } from "./gitlab-runner.ts";
import {
  cacheSettings,
  chartSettings,
  dnsLabel,
  jobSettings,
  managerSettings,
  networkPolicySettings,
  podSecurityLevel,
  quotaSettings,
} from "./settings.ts";

/** GitLab's ids start at 1; 0 stands for 'not set', since Pulumi.yaml can declare no key without a default. */
const optionalId = z.int().min(0, "must be at least 1").default(0).meta({ example: 12345678 });

const projectPath = /^[^/\s]+(\/[^/\s]+)+$/;
const notAProject = "must be the id or the full path of a project";
const notATimeout = "must be a whole number of seconds, at least 600";

/** Stack configuration, key by key; `Pulumi.yaml` describes each. */
const stackConfig = z.strictObject({
  gitlabUrl: z.url({ protocol: /^https?$/, error: "must be GitLab's http(s) address" }).default("https://gitlab.com"),
  runnerType: z.enum(["project", "group", "instance"]).default("project"),
  projectId: optionalId,
  groupId: optionalId,
  extraProjects: z
    .array(
      z
        .union([z.int().min(1), z.string().regex(projectPath, notAProject)], { error: notAProject })
        .meta({ example: "my-group/my-project" }),
    )
    .default([]),
  // 50 tags at most: https://gitlab.com/gitlab-org/gitlab/-/blob/master/app/models/ci/runner.rb (TAG_LIST_MAX_LENGTH)
  tags: z
    .array(
      z
        .string()
        .max(255)
        .superRefine((tag, context) => {
          // GitLab takes a comma for the end of a tag, and spaces around one away.
          const [first = ""] = tag.split(",").map((part) => part.trim());
          if (tag === "" || tag !== first) {
            const message = "must be one tag, without a comma or a space at its ends";
            context.addIssue({ code: "custom", message, params: { example: first === "" ? undefined : first } });
          }
        })
        .meta({ example: "kubernetes" }),
    )
    .max(50)
    .default(["kubernetes", "homelab"]),
  runUntagged: z.boolean().default(false),
  locked: z.boolean().default(false),
  paused: z.boolean().default(false),
  protectedOnly: z.boolean().default(false),
  description: z.string().max(1024).default("").meta({ example: "k8s-homelab-runner" }),
  maintenanceNote: z.string().max(1024).default("").meta({ example: "Ask the platform team" }),
  maximumTimeout: z
    .union([z.literal(0), z.int().min(600, notATimeout)], { error: notATimeout })
    .default(0)
    .meta({ example: 3600 }),
  runnerToken: z
    .string()
    .transform((token) => token.trim())
    .refine(
      (token) => token === "" || /^glrt-[\w.-]{20,}$/.test(token),
      "must be an authentication token, glrt-…; registration tokens no longer work",
    )
    .default("")
    .meta({ secret: true, example: "glrt-…" }),
  rotation: z.string().default("").meta({ example: "2026-11" }),
  namespace: dnsLabel.default("gitlab-runner"),
  cache: z
    .union([z.literal(false), cacheSettings], { error: "must be false, or an object with keys" })
    .prefault({})
    .meta({
      secret: "inside",
      fix: "pulumi config rm cache    (for its defaults; no cache: pulumi config set cache false)",
    }),
  manager: managerSettings.prefault({}),
  jobs: jobSettings.prefault({}),
  linkerd: z.boolean().default(false),
  chart: chartSettings.prefault({}),
  podSecurity: z
    .union([podSecurityLevel, z.literal("")], { error: "must be privileged, baseline or restricted" })
    .default("")
    .meta({ example: "baseline" }),
  quota: quotaSettings.default({}),
  networkPolicy: z
    .union([z.boolean(), networkPolicySettings], { error: "must be true, false, or an object with keys" })
    .default(false)
    .meta({ example: true }),
  caCertificate: z.string().default("").meta({ example: "-----BEGIN CERTIFICATE-----…" }),
});

/** The SDK's own, which its types leave out: `Config` tells whether a key is encrypted only by returning an Output. */
const { isConfigSecret } = runtimeConfig as unknown as {
  readonly isConfigSecret: (key: string) => boolean;
};

/** The stack's configuration, complete. */
export type StackConfig = z.output<typeof stackConfig>;

/**
 * Reads and checks the stack's configuration.
 * @throws ConfigError with all problems at once, before any resource is registered
 */
export function readStackConfig() {
  const project = pulumi.getProject();
  const raw: RawConfig = { values: readAll(project), isSecret: (key) => isConfigSecret(`${project}:${key}`) };

  const parsed = stackConfig.safeParse(raw.values, { error: errorMessage });
  const issues = parsed.error?.issues ?? [];
  const doubtful = doubtfulKeys(stackConfig, issues);
  const config = parsed.data ?? stackConfig.parse(without(raw.values, doubtful));
  const context = { config, defaults: stackConfig.parse({}), isSecret: raw.isSecret };
  const problems = [...describeIssues(stackConfig, raw, issues), ...findContradictions(context, doubtful)];
  if (problems.length > 0) {
    throw new ConfigError(problems);
  }
  warnOfExposure(config, raw);
  return runnerArgs(config);
}

/** Only the runner's token and the cache's keys are passed on as secrets; all else is for Helm's values to show. */
function warnOfExposure(config: StackConfig, { values, isSecret }: RawConfig): void {
  const keepsSecret = (key: string) =>
    key === "runnerToken" || (key === "cache" && config.cache !== false && config.cache.credentials !== undefined);
  const exposed = Object.keys(values).filter((key) => isSecret(key) && !keepsSecret(key));
  if (exposed.length > 0) {
    void pulumi.log.warn(
      `Encrypted in the stack's file, but readable in Pulumi's state and Helm's values: ${exposed.join(", ")}. ` +
        "Put secrets of jobs into GitLab's CI/CD variables instead.",
    );
  }
}

function without(values: RawConfig["values"], paths: readonly Path[]): Record<string, unknown> {
  const copy = structuredClone(values) as Record<string, unknown>;
  for (const [key = "", inner] of paths) {
    const object = inner === undefined ? copy : copy[key];
    if (typeof object === "object" && object !== null) {
      Reflect.deleteProperty(object, inner ?? key);
    }
  }
  return copy;
}

/** All values of the project's own namespace, parsed: what is not JSON is a string. */
function readAll(project: string): Record<string, unknown> {
  const prefix = `${project}:`;
  return Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), parseValue(key.slice(prefix.length), value)]),
  );
}

function parseValue(key: string, value: string): unknown {
  const schema: unknown = (stackConfig.shape as Record<string, unknown>)[key];
  if (schema instanceof z.ZodDefault && takesText(schema.unwrap())) {
    return value;
  }
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

function takesText(schema: unknown): boolean {
  return schema instanceof z.ZodString || (schema instanceof z.ZodPipe && takesText(schema.def.in));
}

/** Turns 'not set' into undefined. */
function runnerArgs(config: StackConfig) {
  const { gitlabUrl, runnerToken, rotation, namespace, cache, manager, jobs, linkerd, chart, ...others } = config;
  const { podSecurity, quota, networkPolicy, caCertificate, ...registration } = others;
  const isNew = runnerToken === "";
  return {
    gitlabUrl,
    registration: isNew
      ? {
          ...registration,
          projectId: unlessZero(registration.projectId),
          groupId: unlessZero(registration.groupId),
          description: unlessEmpty(registration.description),
          maintenanceNote: unlessEmpty(registration.maintenanceNote),
          maximumTimeout: unlessZero(registration.maximumTimeout),
        }
      : undefined,
    runnerToken: isNew ? undefined : pulumi.secret(runnerToken),
    namespace,
    cache,
    manager,
    jobs,
    linkerd,
    chart,
    podSecurity: podSecurity === "" ? undefined : podSecurity,
    quota: Object.keys(quota).length === 0 ? undefined : quota,
    networkPolicy,
    caCertificate: unlessEmpty(caCertificate),
    rotation: unlessEmpty(rotation),
  } satisfies GitLabRunnerArgs;
}

function unlessZero(value: number): number | undefined {
  return value === 0 ? undefined : value;
}

function unlessEmpty(value: string): string | undefined {
  return value === "" ? undefined : value;
}
