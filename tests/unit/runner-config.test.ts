import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parse } from "smol-toml";
import { GitLabRunner } from "../../components/gitlab-runner.ts";
import { checkSettings } from "../../components/settings/check.ts";
import { dotted, valueAt } from "../../components/settings/path.ts";
import { placedSettings } from "../../components/settings/placement.ts";
import { runnerConfig } from "../../components/settings/runner-config.ts";
import { runnerKeys } from "../../components/settings/runner-keys.ts";
import { runnerSettings } from "../../components/settings/runner.ts";
import { deploy } from "./mock-engine.ts";

/** A right value and a wrong one for each type of key. */
const samples: Readonly<Record<string, { readonly right: unknown; readonly wrong: unknown }>> = {
  text: { right: "some text", wrong: 5 },
  texts: { right: ["one", "two"], wrong: "one" },
  "text by name": { right: { name: "value" }, wrong: { name: 5 } },
  boolean: { right: true, wrong: "yes" },
  "boolean by name": { right: { FF_SCRIPT_SECTIONS: true }, wrong: { FF_SCRIPT_SECTIONS: "on" } },
  integer: { right: 7, wrong: 7.5 },
  integers: { right: [7, 8], wrong: ["7"] },
  "integer by name": { right: { "tls handshake": 3 }, wrong: { "tls handshake": "3" } },
  number: { right: 1.5, wrong: "1.5" },
  duration: { right: "1h30m", wrong: "90" },
};

const keys = Object.entries(runnerKeys).flatMap(([key, declared]) => {
  const sample = samples[declared.split(", since ")[0] ?? ""];
  return sample === undefined ? [] : [{ key, ...sample }];
});

/** @returns arguments with a value at a key of `[[runners]]`, such as `kubernetes.services[].name` */
function argsWith(key: string, value: unknown) {
  const config = key
    .split(".")
    .reduceRight<unknown>(
      (inner, part) => (part.endsWith("[]") ? { [part.slice(0, -2)]: [inner] } : { [part]: inner }),
      value,
    );
  return {
    registration: { projectId: 1 },
    chart: { version: "0.99.0" },
    runnerConfig: config as Readonly<Record<string, unknown>>,
  };
}

/** Where a key's value is, as a path. */
function pathOf(key: string): (string | number)[] {
  return key.split(".").flatMap((part) => (part.endsWith("[]") ? [part.slice(0, -2), 0] : [part]));
}

function isRefused(key: string, value: unknown): boolean {
  return checkSettings("gitlab-runner", argsWith(key, value)).contradictions.length > 0;
}

const free = keys.filter(({ key, right }) => !isRefused(key, right));

describe("runnerConfig", { timeout: 120_000 }, () => {
  test("takes each key of the runner that this program leaves to its user, and puts it in its place", async () => {
    const runner = { registration: { projectId: 1 }, chart: { version: "0.99.0" } };
    for (const part of [free.filter((_, index) => index % 2 === 0), free.filter((_, index) => index % 2 === 1)]) {
      const config = part.map(({ key, right }) => argsWith(key, right).runnerConfig).reduce(combined, {});
      const { resources } = await deploy(() => new GitLabRunner("gitlab-runner", { ...runner, runnerConfig: config }));
      const release = resources.find(({ type }) => type === "kubernetes:helm.sh/v3:Release");
      const { runners } = release?.inputs["values"] as { runners: { config: string } };
      const written = parse(runners.config);
      for (const { key, right } of part) {
        const found: unknown = valueAt(written, ["runners", 0, ...pathOf(key)]);
        // The program's own feature flags are there, too.
        assert.partialDeepStrictEqual({ found: JSON.parse(JSON.stringify(found)) as unknown }, { found: right }, key);
      }
    }
    assert.ok(free.length > 0);
  });

  test("names a wrong type at each key", () => {
    for (const { key, wrong } of keys) {
      const { issues } = checkSettings("gitlab-runner", argsWith(key, wrong));
      const wanted = dotted(["runnerConfig", ...pathOf(key)]);
      assert.ok(
        issues.length > 0 && issues.every(({ path }) => dotted(path as string[]).startsWith(wanted)),
        `${key}: ${JSON.stringify(issues)}`,
      );
    }
  });

  test("refuses each key that has a setting", () => {
    const places = placedSettings(runnerSettings).flatMap(({ place }) =>
      "toml" in place && place.toml !== "" && place.toml !== "kubernetes" ? [place.toml] : [],
    );
    const taken = free.map(({ key }) => key).filter((key) => places.some((place) => `${key}.`.startsWith(`${place}.`)));
    assert.deepEqual(taken, []);
    assert.ok(places.length > 0);
  });

  test("refuses each key that may hold a secret", () => {
    const secret = /token|secret|password|AccessKey|AccountKey|PrivateKey|SecretKey/i;
    const harmless = /secret\[\]|secrets$|automount_service_account_token/;
    const open = free.map(({ key }) => key).filter((key) => secret.test(key) && !harmless.test(key));
    assert.deepEqual(open, []);
  });

  test("has a type for every key", () => {
    assert.doesNotThrow(() => runnerConfig.parse({}));
  });
});

/** @returns both tables in one; of lists, the first table has all keys */
function combined(
  one: Readonly<Record<string, unknown>>,
  other: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const both = Object.entries(other).map(([key, value]) => {
    const mine = one[key];
    return [key, mine === undefined ? value : inOne(mine, value)] as const;
  });
  return { ...one, ...Object.fromEntries(both) };
}

function inOne(one: unknown, other: unknown): unknown {
  return Array.isArray(one) && Array.isArray(other)
    ? [inOne(one[0], other[0])]
    : combined(one as Record<string, unknown>, other as Record<string, unknown>);
}
