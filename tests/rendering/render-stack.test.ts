import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { parse, stringify } from "yaml";
import { builtTools } from "../../tools/pinned-tools.ts";
import { startChartRepository } from "../../sandbox/chart-repository.ts";
import { kubernetesYaml, standInChart } from "../../tools/helm-template.ts";
import { renderStack } from "../../tools/render-stack.ts";
import { repository } from "../../tools/repository.ts";

const timeout = 120_000;
// The sandbox's Helm for all of it, since another may word its messages differently.
process.env["PATH"] = [dirname(builtTools().helm), process.env["PATH"]].join(delimiter);

/** A project's folder with one stack, `test`: its configuration, or the text of its file. */
function project(t: TestContext, stack: Record<string, unknown> | string): string {
  const root = mkdtempSync(join(tmpdir(), "render-stack-test-"));
  t.after(() => {
    rmSync(root, { recursive: true, force: true });
  });
  copyFileSync(join(repository, "Pulumi.yaml"), join(root, "Pulumi.yaml"));
  writeFileSync(join(root, "Pulumi.test.yaml"), typeof stack === "string" ? stack : stringify({ config: stack }));
  return root;
}

async function files(t: TestContext, config: Record<string, unknown>): Promise<ReadonlyMap<string, string>> {
  return (await renderStack(project(t, config), "test", standInChart)).files;
}

async function content(t: TestContext, config: Record<string, unknown>, path: string): Promise<unknown> {
  return parse((await files(t, config)).get(path) ?? "", kubernetesYaml);
}

describe("renderStack", { timeout }, () => {
  // Helm keeps the indexes of repositories there.
  const helmCache = mkdtempSync(join(tmpdir(), "render-stack-helm-"));
  before(() => {
    process.env["HELM_CACHE_HOME"] = helmCache;
  });
  after(() => {
    delete process.env["HELM_CACHE_HOME"];
    rmSync(helmCache, { recursive: true, force: true });
  });

  test("masks what is encrypted, without decrypting it", async (t) => {
    const secure = "v1:bm90IGEgc2VjcmV0:bm9yIGlzIHRoaXM=";
    const rendered = await files(t, {
      "gitlab:token": { secure },
      "gitlab-runner:runnerToken": { secure },
      "gitlab-runner:cache": { bucket: "ci-cache", credentials: { accessKey: { secure }, secretKey: { secure } } },
      "gitlab-runner:jobs": { environment: { PROXY: { secure } } },
    });
    for (const [path, text] of rendered) {
      assert.ok(!text.includes("v1:") && !text.includes("glrt-not"), path);
    }
    const secrets = [...rendered].filter(([path]) => path.includes("/secret-"));
    assert.deepEqual(
      secrets.map(([, text]) => (parse(text) as { stringData: object }).stringData),
      [
        { accesskey: "[secret]", secretkey: "[secret]" },
        { "runner-registration-token": "", "runner-token": "[secret]" },
      ],
    );
    assert.match(rendered.get("config.toml") ?? "", /"PROXY=\[secret\]"/);
    assert.equal(rendered.get("gitlab.yaml"), undefined);
    assert.equal(rendered.get("minio.yaml"), undefined);
    assert.equal(rendered.get("cache-policy.json"), undefined);
  });

  test("shows what is known only later as such", async (t) => {
    const config = { projectId: 1, "gitlab-runner:extraProjects": [2, "group/three"] };
    assert.deepEqual(await content(t, config, "gitlab.yaml"), {
      UserRunner: {
        "gitlab-runner-registration": {
          accessLevel: "not_protected",
          description: "",
          locked: false,
          maintenanceNote: "",
          paused: false,
          projectId: 1,
          runnerType: "project_type",
          tagLists: ["kubernetes", "homelab"],
          untagged: false,
        },
      },
      ProjectRunnerEnablement: {
        "gitlab-runner-registration-2": { project: "2", runnerId: "[known after apply]" },
        "gitlab-runner-registration-group/three": { project: "group/three", runnerId: "[known after apply]" },
      },
    });
  });

  test("distinguishes an existing bucket from one that is created", async (t) => {
    const config = { "gitlab-runner:projectId": 1, "gitlab-runner:cache": { adopt: true, bucket: "theirs" } };
    const minio = (await content(t, config, "minio.yaml")) as Record<string, unknown>;
    assert.deepEqual(minio["S3Bucket, already exists"], { "gitlab-runner-cache": { id: "theirs" } });
    assert.equal(minio["S3Bucket"], undefined);
    assert.equal(minio["IlmPolicy"], undefined);
    const policy = (await files(t, config)).get("cache-policy.json") ?? "";
    assert.match(policy, /"arn:aws:s3:::theirs\/\*"/);
  });

  test("masks the chart's own Secrets, and puts its objects where Helm would", async (t) => {
    const extraObjects = [
      { apiVersion: "v1", kind: "Secret", metadata: { name: "extra" }, data: { password: "aHVudGVyMg==" } },
      { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name: "ci" }, value: 10 },
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "texts" },
        data: { a: "no", b: "2026-11-01", c: "1:30" },
      },
    ];
    const rendered = await files(t, { projectId: 1, "gitlab-runner:chart": { values: { extraObjects } } });
    const at = (path: string): unknown => parse(rendered.get(`kubernetes/${path}.yaml`) ?? "", kubernetesYaml);
    assert.deepEqual(at("gitlab-runner/secret-extra"), {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "extra", namespace: "gitlab-runner" },
      stringData: { password: "[secret]" },
    });
    assert.deepEqual(at("priorityclass-ci"), extraObjects[1]);
    assert.deepEqual((at("gitlab-runner/configmap-texts") as { data: object }).data, extraObjects[2]?.data);
    assert.match(rendered.get("kubernetes/gitlab-runner/configmap-texts.yaml") ?? "", /a: "no"/);
    const twice = { values: { extraObjects: [extraObjects[1], extraObjects[1]] } };
    await assert.rejects(files(t, { projectId: 1, "gitlab-runner:chart": twice }), {
      name: "UserError",
      message: "The stack creates two objects that would both be kubernetes/priorityclass-ci.yaml.",
    });
  });

  test("shows the PodMonitor that the chart makes on a cluster with Prometheus' operator", async (t) => {
    const path = "kubernetes/gitlab-runner/podmonitor-gitlab-runner.yaml";
    const manager = { metrics: true, podMonitor: true, monitoringLabels: { release: "prometheus" } };
    const monitor = await content(t, { projectId: 1, "gitlab-runner:manager": manager }, path);
    const { kind, metadata } = monitor as { kind: string; metadata: { labels: Record<string, string> } };
    assert.equal(kind, "PodMonitor");
    assert.equal(metadata.labels["release"], "prometheus");
    assert.ok(!(await files(t, { projectId: 1, "gitlab-runner:manager": { metrics: true } })).has(path));
  });

  test("renders the chart of the stack's repository", async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "render-stack-charts-"));
    const charts = await startChartRepository({ dir, helm: builtTools().helm });
    t.after(async () => {
      await charts.stop();
      rmSync(dir, { recursive: true, force: true });
    });
    const chart = { repository: charts.url };
    const root = project(t, { projectId: 1, "gitlab-runner:chart": chart });
    const { files: rendered, notes } = await renderStack(root, "test");
    assert.deepEqual(notes, []);
    const list = parse(rendered.get("rendered.yaml") ?? "") as { chart: string };
    assert.equal(list.chart, `gitlab-runner 0.86.0 of ${charts.url}`);
    assert.doesNotMatch([...rendered.values()].join(""), /stand-in/);

    const missing = project(t, { projectId: 1, "gitlab-runner:chart": { ...chart, version: "9.9.9" } });
    await assert.rejects(
      renderStack(missing, "test"),
      /^UserError: Helm cannot render gitlab-runner 9\.9\.9 of .*:\nError: .*not found/,
    );
  });

  test("renders the sandbox's chart where the repository cannot be reached, and says so everywhere", async (t) => {
    const root = project(t, { projectId: 1, "gitlab-runner:chart": { repository: "http://127.0.0.1:9" } });
    const { files: rendered, notes } = await renderStack(root, "test");
    const note = /The chart is the sandbox's stand-in for GitLab's own/;
    assert.match(notes[0] ?? "", note);
    assert.match(notes[1] ?? "", /^Helm could not download GitLab's; .*"http:\/\/127\.0\.0\.1:9".*cannot be reached/);
    assert.match(rendered.get("kubernetes/gitlab-runner/deployment-gitlab-runner.yaml") ?? "", note);
    assert.match(rendered.get("config.toml") ?? "", note);
    assert.match(rendered.get("helm-values.yaml") ?? "", note);
    assert.match(rendered.get("rendered.yaml") ?? "", /^chart: .*stand-in/m);
  });

  test("renders another chart than the stack's, which need not be there", async (t) => {
    const root = project(t, { projectId: 1, "gitlab-runner:chart": { path: "./no-such.tgz" } });
    await assert.rejects(renderStack(root, "test"), /chart\.path: must be a file or folder that exists/);
    const { files: rendered } = await renderStack(root, "test", standInChart);
    assert.match(rendered.get("rendered.yaml") ?? "", /^chart: sandbox\/chart\/gitlab-runner/m);
  });

  test("names every mistake of the configuration, as Pulumi would", async (t) => {
    await assert.rejects(
      renderStack(project(t, { projectId: 1, tag: ["x"], "gitlab-runner:namespace": "No" }), "test"),
      {
        name: "UserError",
        message:
          /^The stack's configuration has 2 problems:\n {2}namespace: .*"No"\n.*\n {2}tag: there is no such key[^]*Nothing was created or changed\.$/,
      },
    );
    await assert.rejects(
      renderStack(project(t, { projectId: 1, caCertificate: { secure: "v1:x" } }), "test"),
      /caCertificate: must be one or more certificates as PEM and nothing else[^]*\nRendering decrypts nothing; encrypted values in gitlab-runner:caCertificate are treated as text\.$/,
    );
    await assert.rejects(
      renderStack(project(t, { projectId: 1, "gitlab-runner:chart": { version: "x" } }), "test", standInChart),
      /chart\.version: must be the exact version of a chart/,
    );
  });

  test("says where a stack's file is broken", async (t) => {
    await assert.rejects(renderStack(project(t, "config:\n  a: [s3cr3t\n"), "test"), {
      name: "UserError",
      message: /^Pulumi\.test\.yaml is not YAML: see line \d, column \d$/,
    });
    for (const text of ["- config\n", "config: [1]\n"]) {
      await assert.rejects(renderStack(project(t, text), "test"), {
        name: "UserError",
        message: /^Pulumi\.test\.yaml must have keys with values/,
      });
    }
  });

  test("says that an environment of Pulumi ESC is left out", async (t) => {
    const root = project(t, "environment: [ci]\nconfig:\n  projectId: 1\n");
    const { notes } = await renderStack(root, "test", standInChart);
    assert.match(notes.at(-1) ?? "", /Only Pulumi can read the environment that Pulumi\.test\.yaml names/);
  });
});
