import * as pulumi from "@pulumi/pulumi";
import * as runtimeConfig from "@pulumi/pulumi/runtime/config.js";
import type { Path } from "./config/commands.ts";
import { describeIssues, doubtfulKeys, readIssues } from "./config/issues.ts";
import { takesText, type RawConfig } from "./config/lookup.ts";
import { ConfigError, errorMessage } from "./config/problems.ts";
import { findContradictions } from "./config/rules.ts";
import { stackConfig, type StackConfig } from "./config/schema.ts";
import type { GitLabRunnerArgs } from "./gitlab-runner.ts";

/** The SDK's own, which its types leave out: `Config` tells whether a key is encrypted only by returning an Output. */
const { isConfigSecret } = runtimeConfig as unknown as {
  readonly isConfigSecret: (key: string) => boolean;
};

/**
 * Reads and checks the stack's configuration.
 * @throws ConfigError with all problems at once, before any resource is registered
 */
export function readStackConfig() {
  const raw = readRawConfig();
  const parsed = stackConfig.safeParse(raw.values, { error: errorMessage });
  const issues = readIssues(parsed.error);
  const doubtful = doubtfulKeys(issues);
  const config = parsed.data ?? stackConfig.parse(without(raw.values, doubtful));
  const problems = [...describeIssues(issues, raw), ...findContradictions(config, raw, doubtful)];
  if (problems.length > 0) {
    throw new ConfigError(problems);
  }
  warnOfExposure(config, raw);
  return runnerArgs(config);
}

/** All values of the project's own namespace, parsed: what is not JSON is a string. */
function readRawConfig(): RawConfig {
  const prefix = `${pulumi.getProject()}:`;
  const values = Object.entries(pulumi.runtime.allConfig())
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, text]) => [key.slice(prefix.length), parseValue(key.slice(prefix.length), text)] as const);
  return { values: Object.fromEntries(values), isSecret: (key) => isConfigSecret(`${prefix}${key}`) };
}

function parseValue(key: string, text: string): unknown {
  if (takesText([key])) {
    return text;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** @returns the values with defaults in place of those at the paths, which go one or two levels deep */
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

function runnerArgs({ runnerToken, ...config }: StackConfig) {
  const { gitlabUrl, rotation, namespace, cache, manager, jobs, linkerd, chart, ...others } = config;
  const { podSecurity, quota, networkPolicy, caCertificate, ...registration } = others;
  return {
    gitlabUrl,
    rotation,
    namespace,
    cache,
    manager,
    jobs,
    linkerd,
    chart,
    podSecurity,
    quota,
    networkPolicy,
    caCertificate,
    registration: runnerToken === undefined ? registration : undefined,
    runnerToken: runnerToken === undefined ? undefined : pulumi.secret(runnerToken),
  } satisfies GitLabRunnerArgs;
}
