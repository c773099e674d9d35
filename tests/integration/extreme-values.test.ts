import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { execa } from "execa";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { builtTools } from "../../tools/pinned-tools.ts";
import { jobPod } from "../../sandbox/manager/job-pod.ts";
import { jobVariables } from "../../sandbox/manager/job-variables.ts";
import { registerRunner } from "../../sandbox/manager/runner-config.ts";
import { kubernetesYaml, standInChart, type KubernetesObject } from "../../tools/helm-template.ts";
import { renderStack } from "../../tools/render-stack.ts";
import { repository } from "../../tools/repository.ts";
import { job } from "../sandbox/manager-fixtures.ts";
import { caCertificate, validStack } from "../unit/config-arbitrary.ts";
import { ApiServerUnderTest } from "./api-server-under-test.ts";

process.env["PATH"] = [dirname(builtTools().helm), process.env["PATH"]].join(delimiter);

const label = (length: number) => `a${"-".repeat(length - 2)}z`;
const subdomain = [63, 63, 63, 61].map(label).join(".");
const labelKey = `${subdomain}/A${"_".repeat(61)}z`;
const labelValue = `A${".".repeat(61)}9`;
const image = `${label(63)}.Example.com:65535/${"a__b/".repeat(34)}c:${"_".repeat(128)}`;
// What is one more stands for "known after apply" where a stack is rendered.
const largest = Number.MAX_SAFE_INTEGER - 1;
const most = { cpu: "999999999999999999m", memory: "9e18", "ephemeral-storage": "1e99" };
const least = { cpu: "0", memory: "0", "ephemeral-storage": ".5" };
const resources = { requests: least, limits: most };
const odd = "{{ .Values }} \"'`\\ é😀\u2028\u0085 $$ ${CI_JOB_ID}\r\n- *a: #| \t$(x)";
const toleration = { key: labelKey, operator: "Equal", value: labelValue, effect: "NoExecute" };
const expression = { key: labelKey, operator: "In", values: [labelValue] };

/** The largest, the longest and the oddest that each setting takes. */
const extremes = {
  // A file with its certificates is named after it.
  gitlabUrl: `https://${label(60)}.${[62, 62, 62].map(label).join(".")}:65535/GitLab/~a%20b`,
  projectId: largest,
  extraProjects: [largest - 1, `_a.-B/${"c".repeat(255)}`],
  tags: Array.from({ length: 50 }, (_, index) => String(index).padEnd(255, "é$")),
  description: odd.padEnd(1024, "d"),
  maintenanceNote: odd.padEnd(1024, "n"),
  maximumTimeout: 2_147_483_647,
  rotation: odd,
  namespace: label(63),
  cache: {
    bucket: `0${"a.b-".repeat(15)}c9`,
    server: "[fd00::1]:65535",
    region: "A-9",
    expireAfterDays: 36_500,
    quota: largest,
  },
  manager: {
    concurrent: 999_999,
    checkInterval: 999_999,
    requestConcurrency: largest,
    replicas: 999_999,
    resources,
    nodeSelector: { [labelKey]: labelValue },
    tolerations: [
      { ...toleration, tolerationSeconds: Number.MIN_SAFE_INTEGER },
      { operator: "Exists", effect: "NoExecute", tolerationSeconds: largest },
    ],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [expression] }] },
      },
    },
    priorityClassName: subdomain,
    shutdownTimeout: 2_592_000,
    metrics: true,
    dashboard: true,
    image,
  },
  jobs: {
    image,
    helperImage: `[fd00::1]:5000/a@sha512:${"0".repeat(128)}`,
    resources,
    helperResources: resources,
    serviceResources: resources,
    overwriteMaxAllowed: { build: { limits: most }, helper: { limits: most }, service: { limits: most } },
    pullPolicy: ["always", "never", "if-not-present", "never"],
    imagePullSecrets: [subdomain],
    allowedImages: ["**", "{a,{b,[!\\]]}}"],
    environment: { [`_${"A".repeat(500)}`]: "x".repeat(32_768), ODD: odd, EMPTY: "" },
    nodeSelector: { [labelKey]: labelValue },
    tolerations: [toleration, { key: "ci", operator: "Exists" }, { operator: "Exists" }],
    priorityClassName: subdomain,
    runtimeClassName: subdomain,
    podLabels: { [labelKey]: labelValue, project: "$CI_JOB_ID" },
    podAnnotations: { [labelKey]: odd, long: "x".repeat(32_768) },
    serviceAccount: subdomain,
    namespace: `0${label(62)}`,
    podSpec: [
      { name: odd, type: "json", patch: [{ op: "add", path: "/hostname", value: "ci" }] },
      { name: "merge", type: "merge", patch: { terminationGracePeriodSeconds: 2_592_000 } },
      { name: "strategic", patch: { activeDeadlineSeconds: 2_147_483_647 } },
    ],
  },
  linkerd: true,
  podSecurity: "privileged",
  // No quota has room for as many jobs.
  quota: { "requests.storage": "9e18", "count/jobs.batch": 2_147_483_647 },
  networkPolicy: { gitlab: ["::/0"], cache: ["fd00::1/128"], apiServer: ["255.255.255.255/32"], jobs: ["0.0.0.0/0"] },
  chart: { timeoutSeconds: 86_400, values: { podSecurityContext: { runAsUser: 2_147_483_647 } } },
  caCertificate: caCertificate.repeat(100),
};

describe("what a real API server makes of valid values", { timeout: 120_000 }, () => {
  const server = new ApiServerUnderTest();

  before(async () => {
    await server.start();
  });
  after(async () => {
    await server.stop();
  });

  async function run(args: readonly string[], items: readonly object[]): Promise<void> {
    const { exitCode, stderr } = await execa(
      builtTools().kubectl,
      ["--kubeconfig", server.kubeconfig, ...args, "--filename", "-"],
      { input: JSON.stringify({ apiVersion: "v1", kind: "List", items }), reject: false, timeout: 60_000 },
    );
    assert.equal(exitCode, 0, stderr);
  }

  /** @returns the runner's configuration that is in them */
  async function assertAccepted(values: Readonly<Record<string, unknown>>): Promise<string> {
    const root = server.folder.file("project");
    mkdirSync(root, { recursive: true });
    copyFileSync(join(repository, "Pulumi.yaml"), join(root, "Pulumi.yaml"));
    const config = Object.fromEntries(Object.entries(values).map(([key, value]) => [`gitlab-runner:${key}`, value]));
    writeFileSync(join(root, "Pulumi.test.yaml"), stringify({ config }));
    const { files } = await renderStack(root, "test", standInChart);
    const objects = [...files]
      .filter(([path]) => path.startsWith("kubernetes/"))
      .map(([, text]) => parse(text, kubernetesYaml) as KubernetesObject);
    const [namespaces, others] = [true, false].map((is) => objects.filter(({ kind }) => (kind === "Namespace") === is));
    await run(["apply"], namespaces ?? []);
    // The Prometheus Operator's kinds are not there.
    await run(
      ["create", "--dry-run=server"],
      (others ?? []).filter(({ apiVersion }) => !apiVersion.startsWith("monitoring.")),
    );
    return files.get("config.toml") ?? "";
  }

  test("it takes the extremes, and so do the runner's configuration and a job's pod", async () => {
    const toml = await assertAccepted(extremes);
    const { runner } = registerRunner({
      config: "",
      template: toml,
      environment: { CI_SERVER_URL: "http://127.0.0.1:1", CI_SERVER_TOKEN: "glrt-0123456789abcdefghij" },
      hostname: "manager",
    });
    const metadata = { name: subdomain };
    await run(
      ["apply"],
      [
        { apiVersion: "v1", kind: "ServiceAccount", metadata: { ...metadata, namespace: extremes.jobs.namespace } },
        { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata, value: 1 },
        { apiVersion: "node.k8s.io/v1", kind: "RuntimeClass", metadata, handler: "runc" },
      ],
    );
    const ofJob = job({ variables: { CI_JOB_ID: "42" } });
    const variables = jobVariables(ofJob, runner, "/builds");
    const { kubectl } = builtTools();
    const pod = await jobPod({ job: ofJob, runner, variables, name: "runner-job", kubectl });
    assert.equal(pod.metadata?.annotations?.["long"]?.length, 32_768);
    assert.equal(pod.spec?.hostname, "ci");
    await run(["create", "--dry-run=server"], [pod]);
  });

  test("it takes any other", async () => {
    // What is passed on as it is, only Kubernetes and the chart know, and Pulumi shows their answer.
    const plain = validStack.filter(({ secrets }) => secrets.length === 0);
    for (const { values } of fc.sample(plain, { seed: 1, numRuns: 6 })) {
      const { manager = {}, chart, ...others } = values as { manager?: object; chart?: object };
      await assertAccepted({ ...others, manager: { ...manager, affinity: {} } });
    }
  });
});
