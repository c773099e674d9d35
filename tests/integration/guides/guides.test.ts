import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";
import { repository } from "../../../tools/repository.ts";
import { SandboxUnderTest } from "../sandbox-under-test.ts";
import { followGuide, followStep, isRun, type Circumstances } from "./follow-guide.ts";
import { allGuides, missingLine, readGuide } from "./guide.ts";
import { Reader } from "./reader.ts";
import { troubles } from "./troubles.ts";

const sandbox = new SandboxUnderTest();
let reader: Reader;
let isDeployed = false;

const minioSecret = "kubectl --namespace minio get secret minio-root --output json";

/** Sections that end with the stack destroyed. */
const ends = new Set(["Bucket is not empty, in pulumi destroy", "Runner associated with more than one project"]);

/** Pages that were followed, and those that start from another cluster, in a test of their own. */
const followed = new Set(["docs/migrate-from-scripts.md"]);

/** Follows a guide, from its first command to its last. */
async function followAll(path: string, circumstances: Circumstances = {}): Promise<void> {
  assert.ok(isDeployed || path === "docs/first-deployment.md", "there was no first deployment");
  followed.add(path);
  await followGuide(reader, sandbox, path, circumstances);
}

describe("the guides, each command of them, with what they say it prints", { timeout: 45 * 60_000 }, () => {
  before(async () => {
    reader = await Reader.create(sandbox);
  });
  after(async () => {
    reader.close();
    await sandbox.remove();
  });

  test("first deployment: from an empty cluster to a job with its cache", async () => {
    await followAll("docs/first-deployment.md", {
      before: () => addCharts({ minio: join(import.meta.dirname, "charts/minio") }),
      then: {
        // What the MinIO in the pod would do: take its administrator from the Secret.
        "helm install minio": async () => {
          const { data } = JSON.parse(await reader.run(minioSecret)) as { data: Record<string, string> };
          const [user, password] = ["rootUser", "rootPassword"].map((key) =>
            Buffer.from(data[key] ?? "", "base64").toString(),
          );
          await sandbox.exec("mc", "admin", "user", "add", "minio", user ?? "", password ?? "");
          await sandbox.exec("mc", "admin", "policy", "attach", "minio", "consoleAdmin", "--user", user ?? "");
        },
        "get pods": async () => {
          const file = readGuide("docs/first-deployment.md").files.get("See it work") ?? "";
          const first = await reader.job(file);
          assert.ok(first.succeeded, first.trace);
          const second = await reader.job(file);
          assert.ok(second.succeeded, second.trace);
          assert.equal(second.trace.match(/^visited by job \d+$/gm)?.length, 2, second.trace);
        },
      },
    });
    isDeployed = true;
  });

  test("configuration and doctor", async () => {
    await followAll("docs/configuration.md");
    await followAll("docs/doctor.md");
  });

  test("more projects", async () => {
    await followAll("docs/more-projects.md");
  });

  test("rotation", async () => {
    await followAll("docs/rotation.md", { then: { "set rotation": helloJob } });
  });

  test("a group's runner", async () => {
    await keepingStackFile(() => followAll("docs/group-runner.md"));
    // The project's runner comes back, and the second stack goes.
    await reader.run("pulumi up --skip-preview");
    await reader.run("pulumi destroy --stack group && pulumi stack rm group && pulumi stack select production");
  });

  test("upgrade of the chart, and back", async () => {
    await followAll("docs/chart-upgrade.md", { before: addNewerChart, then: { "set --path chart.version": helloJob } });
  });

  test("alerts and a dashboard", async () => {
    await followAll("docs/monitoring.md", { before: addMonitoringTypes });
  });

  test("GitLab.com and self-managed", async () => {
    const { config } = parse(readFileSync(join(repository, "examples/Pulumi.tls.yaml"), "utf8")) as {
      config: Record<string, string>;
    };
    writeFileSync(join(reader.clone, "ca.pem"), config["gitlab-runner:caCertificate"] ?? "");
    await followAll("docs/gitlab.md");
  });

  test("the network", async () => {
    await keepingStackFile(() => followAll("docs/network.md"));
    await reader.run("pulumi up --skip-preview");
  });

  test("troubleshooting: each trouble, once it has happened", async () => {
    followed.add("docs/troubleshooting.md");
    const { steps, symptoms } = readGuide("docs/troubleshooting.md");
    const known = troubles(reader, sandbox);
    const sections = [...new Set(steps.map(({ section }) => section))];
    assert.deepEqual(Object.keys(known), sections);
    for (const section of sections) {
      const { seen = "", isOver } = (await known[section]?.()) ?? {};
      const symptom = symptoms.get(section);
      if (symptom !== undefined) {
        const missing = missingLine(reader.here(symptom), seen);
        assert.equal(missing, undefined, `${section}: one does not see\n${missing ?? ""}\nbut:\n${seen}`);
      }
      for (const step of steps.filter((each) => each.section === section)) {
        await followStep(reader, sandbox, step);
      }
      if (!ends.has(section)) {
        await helloJob();
        await reader.run("npm run doctor -- --stack production");
        assert.notEqual(await isOver?.(), false, `${section} has not helped`);
      }
    }
    await reader.run("pulumi up --skip-preview");
  });

  test("rules that a stack must keep", async () => {
    await keepingStackFile(() => followAll("docs/policy.md"));
  });

  test("Pulumi's state in MinIO", async () => {
    await followAll("docs/state-in-minio.md");
  });

  test("a pipeline that deploys", async () => {
    await keepingStackFile(() => followAll("docs/pipeline.md"));
    const pipeline = readFileSync(join(repository, ".gitlab-ci.yml"), "utf8");
    const own = readGuide("docs/pipeline.md").files.get("The stack's three jobs") ?? "none";
    assert.ok(pipeline.endsWith(`${own.replaceAll("production", "homelab")}\n`), "not as in .gitlab-ci.yml");
  });

  test("removal", async () => {
    await followAll("docs/remove.md");
  });

  test("the README: a deployment, and the sandbox", async () => {
    await followAll("README.md", {
      then: {
        "pulumi up": async () => {
          await keepingStackFile(async () => {
            await reader.run("pulumi config set --path manager.replicas 0 && pulumi config set locked true");
            await reader.run("pulumi config set --path 'extraProjects[0]' homelab/website");
            const said = await reader.failing("pulumi preview");
            const missing = missingLine(readGuide("README.md").symptoms.get("Mistakes") ?? "nothing", said);
            assert.equal(missing, undefined, said);
          });
          await helloJob();
        },
      },
    });
  });

  test("a program of your own", async () => {
    const { files } = readGuide("docs/program.md");
    await followAll("docs/program.md", {
      then: {
        "npm install": async () => {
          writeFileSync(join(reader.clone, "../my-program/runner.ts"), files.get("A program of your own") ?? "");
          await reader.run("tsc --noEmit --strict --skipLibCheck --target es2024 --module nodenext runner.ts");
        },
      },
    });
  });

  test("no page is left out", () => {
    const withCommands = allGuides().filter(({ steps }) => steps.some(isRun));
    assert.deepEqual(withCommands.map(({ path }) => path).toSorted(), [...followed].toSorted());
  });
});

/** Does something, and takes back what it has changed in the stack's file. */
async function keepingStackFile(work: () => Promise<void>): Promise<void> {
  const file = join(reader.clone, "Pulumi.production.yaml");
  const before = readFileSync(file);
  await work();
  writeFileSync(file, before);
}

/** A job, after which GitLab has heard of the manager. */
async function helloJob(): Promise<void> {
  const { succeeded, trace } = await reader.job("hello: { tags: [kubernetes], script: [echo hello] }");
  assert.ok(succeeded, trace);
}

/** Adds charts to the sandbox's repository: name and folder of each. */
async function addCharts(charts: Readonly<Record<string, string>>): Promise<void> {
  for (const folder of Object.values(charts)) {
    await sandbox.exec("helm", "package", folder, "--destination", join(sandbox.path, "charts"));
  }
  await sandbox.exec("helm", "repo", "index", join(sandbox.path, "charts"));
}

/** The sandbox's chart once more, as a newer version. */
async function addNewerChart(): Promise<void> {
  const folder = join(mkdtempSync(join(tmpdir(), "gitlab-runner-chart-")), "gitlab-runner");
  cpSync(join(repository, "sandbox/chart/gitlab-runner"), folder, { recursive: true });
  const file = join(folder, "Chart.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace(/^version: .*/m, "version: 0.87.0"));
  await addCharts({ "gitlab-runner": folder });
  rmSync(join(folder, ".."), { recursive: true });
}

/** The types of the Prometheus operator, as far as the API server needs to know them. */
async function addMonitoringTypes(): Promise<void> {
  const types = Object.entries({ podmonitors: "PodMonitor", prometheusrules: "PrometheusRule" }).map(
    ([plural, kind]) => ({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.monitoring.coreos.com` },
      spec: {
        group: "monitoring.coreos.com",
        scope: "Namespaced",
        names: { plural, kind },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        ],
      },
    }),
  );
  const file = join(sandbox.path, "monitoring-types.json");
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: types }));
  await sandbox.exec("kubectl", "apply", "--filename", file);
}
