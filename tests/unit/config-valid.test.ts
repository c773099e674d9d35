import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import { readStackConfig } from "../../components/config.ts";
import { inArguments } from "../../components/config/stack-keys.ts";
import { GitLabRunner } from "../../components/gitlab-runner.ts";
import { accepts } from "../../components/settings/lookup.ts";
import { dotted, type Path } from "../../components/settings/path.ts";
import { validStack, type ValidStack } from "./config-arbitrary.ts";
import { unknownKeys } from "./config-chart-keys.ts";
import { declaredPaths, findMessage, setStackFile } from "./config-reading.ts";
import { deploy } from "./mock-engine.ts";

const releaseType = "kubernetes:helm.sh/v3:Release";

/** What the mock engine's servers give for credentials. */
const madeSecrets = [
  "glrt-t3_aaaaaaaaaaaaaaaaaaaa",
  "ACCESSKEY0123456789A",
  "secretkey0secretkey0secretkey0secretkey0",
];

interface Values extends Record<string, unknown> {
  readonly gitlabUrl: string;
  readonly replicas: number;
  readonly runners: { readonly config: string; readonly cache?: { readonly secretName: string } };
}

/** Deploys a stack, with the text that Helm gets for values and for the runner's configuration. */
async function deployStack(stack: ValidStack) {
  const { one, all, resources } = await deploy(() => {
    setStackFile(stack);
    return new GitLabRunner("gitlab-runner", readStackConfig("gitlab-runner"));
  });
  const values = one(releaseType).inputs["values"] as Values;
  return { all, resources, values, toml: values.runners.config, text: JSON.stringify(values) };
}

/** The runner's configuration after Helm has read it: its templates are no more than escaped braces. */
function onlyRunner(toml: string): Record<string, unknown> {
  assert.ok(!toml.replaceAll('{{ "{{" }}', "").includes("{{"), "a brace that Helm would take for a template");
  // Through JSON, since the parser's tables have no prototype.
  const { runners } = JSON.parse(JSON.stringify(parse(toml.replaceAll('{{ "{{" }}', "{{")))) as { runners: unknown[] };
  assert.equal(runners.length, 1);
  return runners[0] as Record<string, unknown>;
}

describe("a valid configuration", { timeout: 60_000 }, () => {
  before(async () => {
    await deploy(() => undefined); // Names project and stack.
  });

  test("has no problem", () => {
    fc.assert(
      fc.property(validStack, (stack) => {
        assert.equal(findMessage(stack), undefined);
      }),
      { numRuns: 500, endOnFailure: true },
    );
  });

  test("is deployed, the same every time, with values that the chart knows and no secret in them", async () => {
    await fc.assert(
      fc.asyncProperty(validStack, async (stack) => {
        const { values, toml, text, all, resources } = await deployStack(stack);
        assert.deepEqual(unknownKeys(values), []);
        for (const secret of [...stack.secretTexts, ...madeSecrets]) {
          assert.ok(!text.includes(secret), `${secret} is in the values`);
          assert.ok(!toml.includes(secret), `${secret} is in the runner's configuration`);
        }

        const again = await deployStack(stack);
        assert.equal(again.text, text);
        assert.equal(again.toml, toml);
        assert.deepEqual(
          again.resources.map(({ name }) => name).toSorted(),
          resources.map(({ name }) => name).toSorted(),
        );

        // The secrets do reach the manager, in the one place for them.
        const mounted = JSON.stringify(all("kubernetes:core/v1:Secret").map(({ inputs }) => inputs));
        for (const secret of stack.secretTexts) {
          assert.ok(mounted.includes(secret), "a secret that is given is not in a Secret");
        }
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });

  test("says in the runner's configuration what it says itself", async () => {
    await fc.assert(
      fc.asyncProperty(validStack, async (stack) => {
        const {
          jobs = {},
          manager = {},
          cache = {},
          namespace = "gitlab-runner",
        } = stack.values as {
          jobs?: Record<string, unknown>;
          manager?: Record<string, unknown>;
          cache?: Record<string, unknown> | false;
          namespace?: string;
        };
        const { values, toml } = await deployStack(stack);
        const runner = onlyRunner(toml);
        const kubernetes = runner["kubernetes"] as Record<string, unknown>;
        assert.equal(runner["executor"], "kubernetes");
        assert.equal(runner["request_concurrency"], manager["requestConcurrency"] ?? 1);
        assert.equal(values.replicas, manager["replicas"] ?? 1);
        assert.equal(values.gitlabUrl, stack.values["gitlabUrl"] ?? "https://gitlab.com");
        assert.equal(kubernetes["namespace"], jobs["namespace"] ?? namespace);
        assert.equal(kubernetes["image"], jobs["image"] ?? "alpine:latest");
        assert.equal(kubernetes["privileged"], jobs["privileged"] ?? false);
        assert.equal(kubernetes["automount_service_account_token"], jobs["automountServiceAccountToken"] ?? false);
        assert.equal(kubernetes["service_account"], jobs["serviceAccount"] ?? "gitlab-runner-job");
        assert.deepEqual(kubernetes["allowed_images"] ?? [], jobs["allowedImages"] ?? []);
        assert.deepEqual(kubernetes["node_selector"] ?? {}, jobs["nodeSelector"] ?? {});
        const environment = Object.entries((jobs["environment"] ?? {}) as Record<string, string>);
        assert.deepEqual(
          ((runner["environment"] ?? []) as string[]).filter(
            (variable) => !variable.startsWith("SSL_CERT_DIR=/etc/ssl"),
          ),
          environment.map(([name, value]) => `${name}=${value}`),
        );
        assert.equal(runner["cache"] === undefined, cache === false);
        assert.equal(values.runners.cache === undefined, cache === false);
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });

  test("may have every setting, and switch each on and off", () => {
    const stacks = fc.sample(validStack, { seed: 1, numRuns: 400 });
    const drawn = new Set(stacks.flatMap(({ values }) => pathsIn(values)));
    const missing = declaredPaths.flatMap((path) => {
      const key = dotted(path);
      const isSwitch = [true, false].every((value) => accepts(inArguments(path), value));
      const wanted = isSwitch ? [`${key}: true`, `${key}: false`] : [key];
      return wanted.filter((text) => !drawn.has(text));
    });
    // The runner cannot give it to job pods, and so it is always refused there.
    assert.deepEqual(missing, ["jobs.tolerations[0].tolerationSeconds"]);
  });
});

/** @returns the paths of all that is in an object, and of what is on or off, with what it is */
function pathsIn(value: unknown, path: Path = []): string[] {
  return typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => {
        const own = [...path, Array.isArray(value) ? Number(key) : key];
        const state = typeof inner === "boolean" ? [`${dotted(own)}: ${inner}`] : [];
        return [dotted(own), ...state, ...pathsIn(inner, own)];
      })
    : [];
}
