import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import * as runtimeConfig from "@pulumi/pulumi/runtime/config.js";
import { plainSecrets } from "./config/encryption.ts";
import { writtenConfig, type RawConfig } from "./config/raw-config.ts";
import { inArguments, registrationKeys, stackKeys } from "./config/stack-keys.ts";
import { checkSettings, describeFindings } from "./settings/check.ts";
import { pathOf, type Issue } from "./settings/issues.ts";
import { standInAt, takesText } from "./settings/lookup.ts";
import { ConfigError, describeValue, hidden, type Problem } from "./settings/problems.ts";
import { registrationSettings } from "./settings/registration.ts";
import type { RunnerSettings } from "./settings/runner.ts";

/** The SDK's own, which its types leave out: `Config` tells whether a key is encrypted only by returning an Output. */
const { isConfigSecret } = runtimeConfig as unknown as {
  readonly isConfigSecret: (key: string) => boolean;
};

/**
 * Reads and checks the stack's configuration.
 * @param name name of the GitLabRunner that it is for
 * @throws ConfigError with all problems at once, before any resource is registered
 */
export function readStackConfig(name: string): RunnerSettings {
  const raw = readRawConfig();
  const written = writtenConfig(raw);
  const findings = checkSettings(name, runnerArgs(raw.values), written);
  const { settings, issues } = findings;
  const problems = [
    ...describeFindings(findings, written),
    ...uselessKeys(settings, issues, raw),
    ...plainSecrets(settings, raw),
  ];
  if (problems.length > 0) {
    throw new ConfigError("The stack's configuration", problems);
  }
  warnOfExposure(settings, raw);
  const { runnerToken } = settings;
  return runnerToken === undefined
    ? settings
    : { ...settings, registration: undefined, runnerToken: pulumi.secret(runnerToken) };
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
  if (takesText(inArguments([key]))) {
    return text;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** @returns arguments of GitLabRunner, without what stands in Pulumi.yaml for a value that is not set */
function runnerArgs(values: RawConfig["values"]): Record<string, unknown> {
  const given = Object.entries(values).filter(
    ([key, value]) => !stackKeys.includes(key) || !isDeepStrictEqual(value, standInAt(inArguments([key]))),
  );
  const isRegistration = ([key]: [string, unknown]) => (registrationKeys as string[]).includes(key);
  return {
    ...Object.fromEntries(given.filter((entry) => !isRegistration(entry))),
    registration: Object.fromEntries(given.filter(isRegistration)),
  };
}

const defaults = registrationSettings.parse({});

/** @returns settings of a new runner, where the configuration has the token of one that exists */
function uselessKeys(
  { runnerToken, registration }: RunnerSettings,
  issues: readonly Issue[],
  { isSecret }: RawConfig,
): Problem[] {
  const keys = registrationKeys.filter(
    (key) =>
      !isDeepStrictEqual(registration?.[key], defaults[key]) &&
      !issues.some((issue) => pathOf(issue)[0] === "registration" && pathOf(issue)[1] === key),
  );
  return runnerToken === undefined
    ? []
    : keys.map((key) => ({
        key,
        found: isSecret(key) ? hidden : describeValue(registration?.[key]),
        expected: "must not be set with runnerToken: GitLab manages the settings of an existing runner",
        fix: `pulumi config rm ${key}    (or, to create a runner: pulumi config rm runnerToken)`,
      }));
}

/** Only the runner's token and the cache's keys are passed on as secrets; all else is for Helm's values to show. */
function warnOfExposure({ cache }: RunnerSettings, { values, isSecret }: RawConfig): void {
  const keepsSecret = (key: string) =>
    key === "runnerToken" || (key === "cache" && cache !== false && cache.credentials !== undefined);
  const exposed = Object.keys(values).filter((key) => isSecret(key) && !keepsSecret(key));
  if (exposed.length > 0) {
    void pulumi.log.warn(
      `Encrypted in the stack's file, but readable in Pulumi's state and Helm's values: ${exposed.join(", ")}. ` +
        "Put secrets of jobs into GitLab's CI/CD variables instead.",
    );
  }
}
