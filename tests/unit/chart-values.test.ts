import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ownedValues, programValues, withFurtherValues } from "../../components/chart-values.ts";
import { managerSettings } from "../../components/settings/manager.ts";
import { chartKeys, keysOf, unknownKeys } from "./config-chart-keys.ts";
import { someRelease } from "./some-release.ts";

const manager = managerSettings.parse({ nodeSelector: { "kubernetes.io/hostname": "worker-1" }, metrics: true });
const values = programValues(
  someRelease({
    cacheSecret: "gitlab-runner-cache-credentials",
    certsSecret: "gitlab-runner-certificates",
    linkerd: true,
    manager,
  }),
) as Record<string, unknown> & {
  readonly metrics: object;
  readonly runners: { readonly secret: string; readonly cache: object };
};

describe("programValues", () => {
  test("sets only keys that the chart knows", () => {
    assert.deepEqual(unknownKeys(values), []);
    assert.ok(keysOf(values).length > 25);
    assert.deepEqual(unknownKeys({ ...values, metrics: { ...values.metrics, prometheus: true }, foo: {} }), [
      "metrics.prometheus",
    ]);
  });

  test("leaves rights and account to the program", () => {
    assert.deepEqual(values["rbac"], { create: false, serviceAccountName: "gitlab-runner" });
    assert.deepEqual(values["serviceAccount"], { create: false, name: "gitlab-runner" });
  });

  test("names the Secrets, so that the chart mounts them", () => {
    assert.equal(values.runners.secret, "gitlab-runner-token");
    assert.deepEqual(values.runners.cache, { secretName: "gitlab-runner-cache-credentials" });
  });

  test("injects Linkerd", () => {
    assert.deepEqual(values["podAnnotations"], {
      "linkerd.io/inject": "enabled",
      "config.alpha.linkerd.io/proxy-enable-native-sidecar": "true",
      "config.beta.linkerd.io/proxy-enable-native-sidecar": "true",
      "config.linkerd.io/proxy-enable-native-sidecar": "true",
    });
  });
});

type Path = readonly (string | number)[];

/** All paths at which there is something else than an object with keys. */
function leavesOf(value: unknown, path: Path = []): Path[] {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
    ? Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]))
    : [path];
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => {
    const object = inner as Record<string | number, unknown> | undefined;
    return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
  }, value);
}

/** A value in an object in an object, as deep as the path goes. */
function nested(path: Path, value: unknown): Record<string, unknown> {
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Record<string, unknown>;
}

const ownLeaves = leavesOf(values);
const key = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...[...chartKeys].flatMap((name) => name.split("."))) },
  {
    weight: 1,
    arbitrary: fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty")),
  },
);
/** Any values, of which many have the names of the program's own. */
const anyValues = fc.letrec<{ object: Record<string, unknown>; value: unknown }>((tie) => ({
  object: fc.dictionary(key, tie("value"), { maxKeys: 5, noNullPrototype: true }),
  value: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.string(), { maxLength: 2 })),
    tie("object"),
  ),
})).object;

describe("further values", () => {
  test("never change one of the program's own, whatever they are", () => {
    fc.assert(
      fc.property(anyValues, (further) => {
        const merged = withFurtherValues(values, further);
        for (const path of ownLeaves) {
          if (isEmpty(at(values, path))) {
            // To nodeSelector and the like, keys may be added.
            assert.equal(typeof at(merged, path), "object");
          } else {
            assert.deepEqual(at(merged, path), at(values, path));
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("are all there, where none of them is the program's", () => {
    let accepted = 0;
    fc.assert(
      fc.property(anyValues, (further) => {
        if (ownedValues(further, manager).length > 0) {
          return;
        }
        accepted += 1;
        const merged = withFurtherValues(values, further);
        for (const path of leavesOf(further).filter(({ length }) => length > 0)) {
          if (!isEmpty(at(further, path))) {
            assert.deepEqual(at(merged, path), at(further, path));
          }
        }
      }),
      { numRuns: 2000 },
    );
    assert.ok(accepted > 300, `only ${accepted} were accepted`);
  });

  test("are refused by the path of each that is the program's", () => {
    fc.assert(
      fc.property(fc.constantFrom(...ownLeaves.filter((path) => !isEmpty(at(values, path)))), (path) => {
        const [named, ...others] = ownedValues(nested(path, "other"), manager);
        assert.deepEqual(others, []);
        // What the program owns with all that is in it is named as a whole.
        assert.ok(named !== undefined && named.length > 0);
        assert.deepEqual(path.slice(0, named.length), named);
        assert.ok(named.length === path.length || named.length === 1);
      }),
      { numRuns: 200 },
    );
  });

  for (const [title, further, owned] of [
    ["the runner's configuration, with all that is in it", { runners: { imagePullPolicy: "x" } }, [["runners"]]],
    ["the token, which would be in the chart's own Secret", { runnerToken: "x" }, [["runnerToken"]]],
    ["rights", { rbac: { rules: [] }, serviceAccount: {} }, [["rbac"], ["serviceAccount"]]],
    [
      "names",
      { nameOverride: "a", fullnameOverride: "b", namespace: "c" },
      [["nameOverride"], ["fullnameOverride"], ["namespace"]],
    ],
    ["an autoscaler", { hpa: {} }, [["hpa"]]],
    [
      "unregistering, which takes the token from the other managers",
      { unregisterRunners: true },
      [["unregisterRunners"]],
    ],
    [
      "a value of an object, but not its neighbour",
      { metrics: { enabled: false, port: 9000 } },
      [["metrics", "enabled"]],
    ],
    ["an object in place of a value", { replicas: { min: 1 } }, [["replicas"]]],
    ["a value in place of an object", { podAnnotations: "x" }, [["podAnnotations"]]],
    ["null, by which Helm takes a value away", { metrics: null }, [["metrics"]]],
    [
      "an annotation that injects Linkerd",
      { podAnnotations: { "linkerd.io/inject": "disabled", team: "y" } },
      [["podAnnotations", "linkerd.io/inject"]],
    ],
    ["a label that the chart finds pods by", { podLabels: { app: "x", team: "y" } }, [["podLabels", "app"]]],
    [
      "files of the chart's own",
      { configMaps: { entrypoint: "x", "config.template.toml": "y", "own.sh": "z" } },
      [
        ["configMaps", "entrypoint"],
        ["configMaps", "config.template.toml"],
      ],
    ],
    [
      "variables that the runner takes for settings",
      { extraEnv: { KUBERNETES_IMAGE: "x", CACHE_SHARED: "false", HTTP_PROXY: "y" } },
      [
        ["extraEnv", "KUBERNETES_IMAGE"],
        ["extraEnv", "CACHE_SHARED"],
      ],
    ],
    [
      "such variables out of Secrets",
      { extraEnvFrom: { CI_SERVER_URL: {}, GODEBUG: {} } },
      [["extraEnvFrom", "CI_SERVER_URL"]],
    ],
    [
      "such variables in a list, the last first",
      { envVars: [{ name: "RUNNER_NAME" }, { name: "A" }, { name: "REGISTER_LOCKED" }] },
      [
        ["envVars", 2],
        ["envVars", 0],
      ],
    ],
  ] as const) {
    test(`are refused: ${title}`, () => {
      assert.deepEqual(ownedValues(further, manager), owned);
    });
  }

  for (const [title, further] of [
    [
      "what the program says nothing of",
      { revisionHistoryLimit: 2, hostAliases: [{ ip: "10.0.0.1", hostnames: ["gitlab"] }] },
    ],
    [
      "neighbours of its values",
      { metrics: { port: 9000, podMonitor: { interval: "30s" } }, podAnnotations: { team: "ci" } },
    ],
    [
      "more of what it leaves empty",
      { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } } },
    ],
    [
      "variables of others",
      {
        extraEnv: { HTTPS_PROXY: "x", RUNNERS: "y", KUBERNETES_SERVICE_HOST: "z" },
        envVars: [{ name: "A", value: "b" }],
      },
    ],
    ["names of every object", { constructor: { a: 1 }, toString: "b" }],
  ] as const) {
    test(`are taken: ${title}`, () => {
      assert.deepEqual(ownedValues(further, manager), []);
      const merged = withFurtherValues(values, further);
      for (const path of leavesOf(further)) {
        assert.deepEqual(at(merged, path), at(further, path));
      }
      assert.deepEqual(merged["runners"], values.runners);
    });
  }
});

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
