import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { execa } from "execa";
import { parseAllDocuments, parse, stringify } from "yaml";
import { builtTools } from "../../tools/pinned-tools.ts";
import { startChartRepository } from "../../sandbox/chart-repository.ts";

const timeout = 60_000;
const chart = join(import.meta.dirname, "../../sandbox/chart/gitlab-runner");
const { helm } = builtTools();

/** The least that a runner needs. */
const values = {
  gitlabUrl: "https://gitlab.example.com",
  runners: { secret: "token", cache: { secretName: "cache" } },
};

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Record<string, string> };
  readonly data: Record<string, string>;
  readonly rules: object[];
  readonly spec: {
    readonly replicas: number;
    readonly template: {
      readonly metadata: { readonly labels: Record<string, string>; readonly annotations: Record<string, string> };
      readonly spec: {
        readonly serviceAccountName?: string;
        readonly terminationGracePeriodSeconds: number;
        readonly containers: { readonly env: object[]; readonly lifecycle?: object; readonly resources: object }[];
        readonly volumes: { readonly name: string; readonly projected?: object; readonly configMap?: object }[];
      };
    };
  };
}

/** A folder of the test's own, with Helm's files in it and not in the user's home. */
async function scratch(t: TestContext): Promise<{ folder: string; env: Record<string, string> }> {
  const folder = await mkdtemp(join(tmpdir(), "chart-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return { folder, env: { HOME: folder, PATH: process.env["PATH"] ?? "" } };
}

async function render(t: TestContext, given: object, release = "gitlab-runner"): Promise<Rendered[]> {
  const { env } = await scratch(t);
  const { stdout } = await execa(helm, ["template", release, chart, "--namespace", "ci", "--values", "-"], {
    env,
    extendEnv: false,
    input: stringify(given),
  });
  return parseAllDocuments(stdout).map((document) => document.toJS() as Rendered);
}

function one(objects: readonly Rendered[], kind: string): Rendered {
  const [found, ...more] = objects.filter((object) => object.kind === kind);
  assert.ok(found, `no ${kind}`);
  assert.equal(more.length, 0, `more than one ${kind}`);
  return found;
}

test("values.yaml has the keys and types of GitLab's chart", { timeout }, async () => {
  const facts = parse(
    await readFile(join(import.meta.dirname, "../fixtures/chart-0.86.0-values-keys.json"), "utf8"),
  ) as { keysInValuesYaml: Record<string, string> };
  const defaults = parse(await readFile(join(chart, "values.yaml"), "utf8")) as object;
  const typeOf = (value: unknown) =>
    Array.isArray(value) ? "array" : typeof value === "number" ? "integer" : typeof value;
  const found: Record<string, string> = {};
  const visit = (object: object, path: string) => {
    for (const [key, value] of Object.entries(object)) {
      found[path + key] = typeOf(value);
      if (typeOf(value) === "object") {
        visit(value as object, `${path}${key}.`);
      }
    }
  };
  visit(defaults, "");
  assert.deepEqual(found, facts.keysInValuesYaml);
});

test(
  "a runner's objects: Deployment and ConfigMap, no Secret and no rights of the chart's own",
  { timeout },
  async (t) => {
    const objects = await render(t, { ...values, serviceAccount: { create: false, name: "manager" } });
    assert.deepEqual(objects.map(({ kind }) => kind).sort(), ["ConfigMap", "Deployment"]);
    const { metadata, spec } = one(objects, "Deployment");
    assert.equal(metadata.name, "gitlab-runner");
    assert.deepEqual(metadata.labels, {
      app: "gitlab-runner",
      chart: "gitlab-runner-0.86.0",
      release: "gitlab-runner",
      heritage: "Helm",
    });
    assert.equal(spec.template.spec.serviceAccountName, "manager");
    assert.equal(spec.template.spec.terminationGracePeriodSeconds, 3600);
    const secrets = spec.template.spec.volumes.find(({ name }) => name === "projected-secrets");
    assert.deepEqual(secrets?.projected, {
      sources: [
        { secret: { name: "cache" } },
        {
          secret: {
            name: "token",
            items: ["runner-registration-token", "runner-token"].map((key) => ({ key, path: key })),
          },
        },
      ],
    });
  },
);

test("a release by another name is named after both", { timeout }, async (t) => {
  const objects = await render(t, values, "ci");
  assert.equal(one(objects, "Deployment").metadata.name, "ci-gitlab-runner");
});

test("envVars with valueFrom lose it", { timeout }, async (t) => {
  const envVars = [
    { name: "PLAIN", value: "a" },
    { name: "SECRET", valueFrom: { secretKeyRef: { name: "cache", key: "accesskey" } } },
  ];
  const [container] = one(await render(t, { ...values, envVars }), "Deployment").spec.template.spec.containers;
  assert.deepEqual(container?.env.slice(-2), [
    { name: "PLAIN", value: "a" },
    { name: "SECRET", value: null },
  ]);
});

test("runners.config goes through tpl, checkInterval and the like into config.toml", { timeout }, async (t) => {
  const config = '[[runners]]\n  [runners.kubernetes]\n    namespace = "{{ .Release.Namespace }}"\n';
  const objects = await render(t, {
    ...values,
    concurrent: 7,
    checkInterval: 11,
    shutdown_timeout: 13,
    logFormat: "json",
    metrics: { enabled: true },
    runners: { ...values.runners, config },
  });
  const { data } = one(objects, "ConfigMap");
  assert.match(data["config.template.toml"] ?? "", /namespace = "ci"/);
  assert.equal(
    data["config.toml"],
    'shutdown_timeout = 13\nconcurrent = 7\ncheck_interval = 11\nlog_level = "info"\nlog_format = "json"\nlisten_address = ":9252"\n',
  );
});

test("a change of configuration changes the pods, one of a Secret of the user's does not", { timeout }, async (t) => {
  const annotations = async (given: object) =>
    one(await render(t, { ...values, ...given }), "Deployment").spec.template.metadata.annotations;
  const before = await annotations({});
  const after = await annotations({ concurrent: 2, podAnnotations: { "checksum/token": "x" } });
  assert.notEqual(after["checksum/configmap"], before["checksum/configmap"]);
  assert.equal(after["checksum/secrets"], before["checksum/secrets"]);
  assert.equal(after["checksum/token"], "x");
});

test("rbac.create makes account, Role and binding, and no rules mean every right", { timeout }, async (t) => {
  const objects = await render(t, { ...values, rbac: { create: true } });
  assert.deepEqual(one(objects, "Role").rules, [{ apiGroups: [""], resources: ["*"], verbs: ["*"] }]);
  assert.equal(one(objects, "ServiceAccount").metadata.name, "gitlab-runner");
  one(objects, "RoleBinding");
});

test("makes no PodMonitor for a cluster without Prometheus' operator", { timeout }, async (t) => {
  const objects = await render(t, { ...values, metrics: { enabled: true, podMonitor: { enabled: true } } });
  assert.deepEqual(
    objects.filter(({ kind }) => kind === "PodMonitor"),
    [],
  );
  one(objects, "Deployment");
});

test("what it does not make it refuses", { timeout }, async (t) => {
  await assert.rejects(
    render(t, { ...values, service: { enabled: true }, hpa: { minReplicas: 1 } }),
    /does not support service\.enabled, hpa/,
  );
});

test("the repository serves the chart to helm, and nothing else", { timeout }, async (t) => {
  const { folder, env } = await scratch(t);
  const repository = await startChartRepository({ dir: join(folder, "repository"), helm });
  t.after(() => repository.stop());
  const { stdout } = await execa(
    helm,
    ["show", "chart", "gitlab-runner", "--repo", repository.url, "--version", "0.86.0"],
    { env, extendEnv: false },
  );
  const { version, appVersion } = parse(stdout) as Record<string, string>;
  assert.deepEqual([version, appVersion], ["0.86.0", "18.9.0"]);
  for (const path of ["/", "/other-1.0.0.tgz", "/..%2f..%2fetc%2fpasswd"]) {
    assert.equal((await fetch(repository.url + path)).status, 404, path);
  }
});
