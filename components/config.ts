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
import { stackConfig, type StackConfig } from "./config-schema.ts";
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
  const project = pulumi.getProject();
  const raw: RawConfig = { values: readAll(project), isSecret: (key) => isConfigSecret(`${project}:${key}`) };

  const parsed = stackConfig.safeParse(raw.values, { error: errorMessage });
  const issues = parsed.error?.issues ?? [];
  const doubtful = doubtfulKeys(stackConfig, issues);
  const config = parsed.data ?? stackConfig.parse(without(raw.values, doubtful));
  const context = { config, isSecret: raw.isSecret };
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
  if (takesText((stackConfig.shape as Record<string, unknown>)[key])) {
    return value;
  }
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

function takesText(schema: unknown): boolean {
  return schema instanceof z.ZodPipe
    ? takesText(schema.def.in)
    : schema instanceof z.ZodDefault
      ? takesText(schema.unwrap())
      : schema instanceof z.ZodString;
}

function runnerArgs({ runnerToken, ...config }: StackConfig) {
  const { gitlabUrl, rotation, namespace, cache, manager, jobs, linkerd, chart, ...others } = config;
  const { podSecurity, quota, networkPolicy, caCertificate, ...registration } = others;
  return {
    ...{ gitlabUrl, rotation, namespace, cache, manager, jobs, linkerd, chart },
    ...{ podSecurity, quota, networkPolicy, caCertificate },
    registration: runnerToken === undefined ? registration : undefined,
    runnerToken: runnerToken === undefined ? undefined : pulumi.secret(runnerToken),
  } satisfies GitLabRunnerArgs;
}
