import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { parse } from "smol-toml";
import type { GitLabRunnerArgs } from "../../components/gitlab-runner-args.ts";
import { GitLabRunner } from "../../components/gitlab-runner.ts";
import { exampleAt, keysAt } from "../../components/settings/lookup.ts";
import { valueAt } from "../../components/settings/path.ts";
import { merge, placedSettings, placePath, type PlacedSetting } from "../../components/settings/placement.ts";
import { runnerKeys } from "../../components/settings/runner-keys.ts";
import { runnerSettings } from "../../components/settings/runner.ts";
import { caCertificate } from "./config-arbitrary.ts";
import { chartKeys } from "./config-chart-keys.ts";
import { deploy, type RegisteredResource } from "./mock-engine.ts";

const chartPath = join(import.meta.dirname, "../../sandbox/chart/gitlab-runner");
const quantities = { cpu: "64", memory: "64Gi", "ephemeral-storage": "64Gi" };
const resources = { requests: quantities, limits: quantities };

/** What to set a setting to, where its example is its default or there is none. */
const values: Readonly<Record<string, unknown>> = {
  "registration.runnerType": "group",
  "registration.extraProjects": ["my-group/my-project"],
  "registration.tags": ["gpu"],
  "cache.bucket": "another-bucket",
  "cache.server": "s3.example.com",
  "cache.region": "eu-central-1",
  "cache.expireAfterDays": 3,
  "cache.deleteWithStack": true,
  "manager.concurrent": 10,
  "manager.checkInterval": 5,
  "manager.resources": resources,
  "manager.tolerations": [{ key: "ci", operator: "Exists" }],
  "manager.affinity": { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
  "manager.shutdownTimeout": 60,
  "manager.logLevel": "debug",
  "manager.logFormat": "json",
  "jobs.image": "debian:13",
  "jobs.resources": resources,
  "jobs.helperResources": resources,
  "jobs.serviceResources": resources,
  "jobs.overwriteMaxAllowed.build": resources,
  "jobs.overwriteMaxAllowed.helper": resources,
  "jobs.overwriteMaxAllowed.service": resources,
  "jobs.pullPolicy": ["always"],
  "jobs.tolerations": [{ key: "ci", operator: "Exists", effect: "NoSchedule" }],
  "jobs.podSpec": [{ name: "hostname", type: "merge", patch: { hostname: "ci" } }],
  "chart.version": "0.85.0",
  "chart.repository": "https://charts.example.com",
  "chart.path": chartPath,
  "chart.timeoutSeconds": 60,
  gitlabUrl: "https://gitlab.example.com",
  runnerToken: "glrt-0123456789abcdefghij",
  namespace: "another-namespace",
  podSecurity: "restricted",
  networkPolicy: true,
  caCertificate,
};

/** Other settings that a setting needs. */
const needs: Readonly<Record<string, GitLabRunnerArgs>> = {
  "registration.runnerType": { registration: { groupId: 5 } },
  "registration.groupId": { registration: { runnerType: "group" } },
  "manager.podMonitor": { manager: { metrics: true } },
  "manager.alerts": { manager: { metrics: true } },
  "manager.dashboard": { manager: { metrics: true } },
  "manager.monitoringLabels": { manager: { metrics: true, podMonitor: true } },
  "jobs.privileged": { podSecurity: "privileged" },
  "jobs.cloudMetadata": { networkPolicy: true },
  "jobs.automountServiceAccountToken": { jobs: { serviceAccount: "ci-jobs" } },
  quota: {
    jobs: { resources: { requests: { cpu: 1 }, limits: { cpu: 2, memory: "2Gi", "ephemeral-storage": "10Gi" } } },
  },
};

function argumentsFor(path: readonly string[], value?: unknown): GitLabRunnerArgs {
  const key = path.join(".");
  const owner = path[0] === "runnerToken" ? {} : { registration: {} };
  const given = merge(owner, (needs[key] ?? {}) as Record<string, unknown>);
  const own = path.reduceRight<unknown>((inner, part) => ({ [part]: inner }), value) as Record<string, unknown>;
  const args: GitLabRunnerArgs = value === undefined ? given : merge(given, own);
  const { registration } = args;
  const isOther = registration === undefined || "groupId" in registration || registration.runnerType === "group";
  return isOther ? args : { ...args, registration: { projectId: 1, ...registration } };
}

/** A value that differs from the default. */
function valueFor(path: readonly string[]): unknown {
  const example = values[path.join(".")] ?? exampleAt(path);
  return typeof example === "boolean" && values[path.join(".")] === undefined ? !defaultAt(path) : example;
}

function defaultAt(path: readonly string[]): unknown {
  return valueAt(runnerSettings.parse({ registration: {} }), path);
}

function describePlace({ place }: PlacedSetting): string {
  return "toml" in place
    ? `${place.toml} of the runner's configuration`
    : "values" in place
      ? `${place.values} of the chart's values`
      : `${place.input ?? "its own resource"}, ${place.resource}`;
}

const releaseType = "kubernetes:helm.sh/v3:Release";

/** @returns every value that stands at a place, in one resource after the other */
function valuesAt({ place }: PlacedSetting, resources: readonly RegisteredResource[]): unknown[] {
  if ("resource" in place) {
    const { resource, input } = place;
    const found = resources.filter(({ type }) => type === resource);
    return found.map(({ inputs }) => (input === undefined ? true : valueAt(inputs, placePath(input))));
  }
  const release = resources.find(({ type }) => type === releaseType);
  const chartValues = release?.inputs["values"] as { runners: { config: string } };
  if ("values" in place) {
    return [valueAt(chartValues, placePath(place.values))];
  }
  const { runners } = JSON.parse(JSON.stringify(parse(chartValues.runners.config))) as { runners: object[] };
  return [valueAt(runners[0] ?? {}, placePath(place.toml))];
}

/** Whether a value has all that is in another. */
function has(value: unknown, part: unknown): boolean {
  if (Array.isArray(part)) {
    return Array.isArray(value) && part.every((one) => value.some((other) => has(other, one)));
  }
  if (typeof part === "object" && part !== null) {
    return (
      typeof value === "object" &&
      value !== null &&
      Object.entries(part).every(([key, inner]) => has((value as Record<string, unknown>)[key], inner))
    );
  }
  return isDeepStrictEqual(value, part);
}

const placed = placedSettings(runnerSettings);

describe("each setting", { timeout: 120_000 }, () => {
  for (const setting of placed) {
    const { path, place } = setting;
    test(`${path.join(".")} goes to ${describePlace(setting)}, and is gone when it is not set`, async () => {
      const value = valueFor(path);
      assert.notEqual(value, undefined, "there is no value to try: give the setting an example");
      assert.notDeepEqual(value, defaultAt(path), "the example is the default");
      const isThere = "resource" in place && place.input === undefined;
      const wanted = isThere ? true : place.as === undefined ? value : place.as(value as never);
      const set = await deploy(() => new GitLabRunner("gitlab-runner", argumentsFor(path, value)));
      const unset = await deploy(() =>
        path[0] === "runnerToken" || path[0] === "registration"
          ? new GitLabRunner("gitlab-runner", { registration: { projectId: 1 } })
          : new GitLabRunner("gitlab-runner", argumentsFor(path)),
      );
      const count = (resources: readonly RegisteredResource[]) =>
        valuesAt(setting, resources).filter((found) => has(found, wanted)).length;
      assert.ok(count(set.resources) > 0, `not found: ${JSON.stringify(valuesAt(setting, set.resources))}`);
      assert.ok(count(unset.resources) < count(set.resources), "it is there when it is not set, too");
    });

    if ("toml" in place && place.toml !== "") {
      test(`${path.join(".")} goes to a key that the runner has`, () => {
        const value = place.as?.(valueFor(path) as never);
        const keys =
          place.toml === "kubernetes" ? Object.keys(value as object).map((key) => `kubernetes.${key}`) : [place.toml];
        assert.ok(keys.length > 0);
        assert.deepEqual(
          keys.filter((key) => !(key in runnerKeys)),
          [],
        );
      });
    }
    if ("values" in place && place.values !== "") {
      test(`${path.join(".")} goes to a value that the chart has`, () => {
        assert.ok([...chartKeys].some((key) => key === place.values || key.startsWith(`${place.values}.`)));
      });
    }
  }

  test("says where it goes, but for those that decide between resources", () => {
    const inner = (path: readonly string[]): string[] =>
      (keysAt(path) ?? []).flatMap((key) => {
        const own = [...path, key];
        return placed.some((setting) => isDeepStrictEqual(setting.path, own))
          ? []
          : keysAt(own) === undefined
            ? [own.join(".")]
            : inner(own);
      });
    assert.deepEqual(inner([]), ["cache.adopt", "cache.credentials.accessKey", "cache.credentials.secretKey"]);
  });
});
