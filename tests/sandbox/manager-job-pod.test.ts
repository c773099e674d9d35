import assert from "node:assert/strict";
import { test } from "node:test";
import type { V1Pod } from "@kubernetes/client-node";
import { jobPod, jobPodName } from "../../sandbox/manager/job-pod.ts";
import { jobVariables } from "../../sandbox/manager/job-variables.ts";
import { builtTools } from "../../tools/pinned-tools.ts";
import { job, runner, type JobFields } from "./manager-fixtures.ts";

function pod(kubernetes = "", fields: JobFields = {}, own = "") {
  const entry = runner(kubernetes, own);
  const ofJob = job(fields);
  const variables = jobVariables(ofJob, entry, "/b");
  return jobPod({ job: ofJob, runner: entry, variables, name: "runner-x", kubectl: builtTools().kubectl });
}

function container(made: V1Pod, name: string) {
  const found = made.spec?.containers.find((one) => one.name === name);
  assert.ok(found, `no container ${name}`);
  return found;
}

test("its name tells runner and project", () => {
  assert.match(jobPodName(runner(), job()), /^runner-012345678-project-7-concurrent-0-[0-9a-f]{8}$/);
});

test("the configuration's settings are in their places", async () => {
  const { metadata, spec } = await pod(
    `
    cpu_request = "100m"
    memory_limit = "1Gi"
    helper_memory_limit = "256Mi"
    privileged = false
    allow_privilege_escalation = false
    cap_drop = ["ALL"]
    pull_policy = ["if-not-present"]
    image_pull_secrets = ["registry"]
    service_account = "job"
    automount_service_account_token = false
    priority_class_name = "low"
    [runners.kubernetes.node_selector]
      "kubernetes.io/hostname" = "polycephala"
    [runners.kubernetes.node_tolerations]
      "ci=true" = "NoSchedule"
      "spot" = ""
    [runners.kubernetes.pod_labels]
      "team" = "$CI_PROJECT_ID"
    [runners.kubernetes.pod_annotations]
      "linkerd.io/inject" = "enabled"
    [runners.kubernetes.pod_security_context]
      run_as_user = 1000
    [[runners.kubernetes.volumes.config_map]]
      name = "trust"
      mount_path = "/certs"
      read_only = true`,
    { variables: { CI_PROJECT_ID: "7" } },
  );
  assert.ok(metadata && spec);
  assert.equal(metadata.namespace, "ci");
  assert.equal(metadata.labels?.["team"], "7");
  assert.equal(metadata.labels["project.runner.gitlab.com/id"], "7");
  assert.equal(metadata.annotations?.["linkerd.io/inject"], "enabled");
  assert.equal(metadata.annotations["job.runner.gitlab.com/id"], "42");
  assert.partialDeepStrictEqual(spec, {
    serviceAccountName: "job",
    automountServiceAccountToken: false,
    priorityClassName: "low",
    nodeSelector: { "kubernetes.io/hostname": "polycephala" },
    imagePullSecrets: [{ name: "registry" }],
    securityContext: { runAsUser: 1000 },
    volumes: [{ name: "repo" }, { name: "trust", configMap: { name: "trust" } }],
    containers: [
      { name: "build", image: "alpine:latest", imagePullPolicy: "IfNotPresent" },
      { name: "helper", resources: { limits: { memory: "256Mi" } } },
    ],
  });
  assert.deepEqual(spec.tolerations, [
    { key: "ci", operator: "Equal", value: "true", effect: "NoSchedule" },
    { key: "spot", operator: "Exists" },
  ]);
  assert.deepEqual(spec.containers[0]?.resources, { requests: { cpu: "100m" }, limits: { memory: "1Gi" } });
  for (const { securityContext, volumeMounts } of [...spec.containers, ...(spec.initContainers ?? [])]) {
    // NET_RAW is dropped from every container, as by the runner.
    const capabilities = { drop: ["NET_RAW", "ALL"] };
    assert.deepEqual(securityContext, { privileged: false, allowPrivilegeEscalation: false, capabilities });
    assert.deepEqual(volumeMounts?.at(-1), { name: "trust", mountPath: "/certs", readOnly: true });
  }
});

test("an image that is not allowed is refused, the configured one never is", async () => {
  const allowed = 'allowed_images = ["registry.example.com/**", "node:2?"]';
  const imageOf = async (fields: JobFields) => container(await pod(allowed, fields), "build").image;
  assert.equal(await imageOf({}), "alpine:latest");
  assert.equal(await imageOf({ image: "registry.example.com/a/b:1" }), "registry.example.com/a/b:1");
  assert.equal(await imageOf({ image: "node:24" }), "node:24");
  for (const image of ["ubuntu", "node:18-slim", "evil/registry.example.com/x"]) {
    await assert.rejects(pod(allowed, { image }), /is not one that the runner's configuration allows/);
  }
});

test("a job gets more only as far as the configuration lets it", async () => {
  const limit = 'cpu_limit = "500m"\ncpu_limit_overwrite_max_allowed = "2"';
  const limits = async (kubernetes: string, asked: string) =>
    container(await pod(kubernetes, { variables: { KUBERNETES_CPU_LIMIT: asked } }), "build").resources?.limits;
  assert.deepEqual(await limits(limit, "1500m"), { cpu: "1500m" });
  await assert.rejects(limits(limit, "3"), /asks for cpu_limit 3; .* allows 2/);
  // Without a maximum the job's wish counts for nothing.
  assert.deepEqual(await limits('cpu_limit = "500m"', "3"), { cpu: "500m" });
});

test("pod_spec patches apply with their feature flag only, each after the one before", async () => {
  const patch = `[[runners.kubernetes.pod_spec]]
    name = "merge containers by name"
    patch = '{"containers":[{"name":"build","workingDir":"/w"}],"hostname":"h"}'
  [[runners.kubernetes.pod_spec]]
    name = "json"
    patch_type = "json"
    patch = '[{"op":"add","path":"/containers/-","value":{"name":"extra","image":"x"}},{"op":"remove","path":"/hostname"}]'
  [[runners.kubernetes.pod_spec]]
    name = "merge replaces lists"
    patch_type = "merge"
    patch = '{"tolerations":[{"operator":"Exists"}]}'`;
  const flag = "feature_flags = { FF_USE_ADVANCED_POD_SPEC_CONFIGURATION = true }";
  const made = await pod(patch, {}, flag);
  assert.equal(container(made, "build").workingDir, "/w");
  assert.equal(container(made, "build").image, "alpine:latest");
  assert.equal(container(made, "extra").image, "x");
  assert.equal(made.spec?.hostname, undefined);
  assert.deepEqual(made.spec?.tolerations, [{ operator: "Exists" }]);
  assert.equal(container(await pod(patch), "build").workingDir, undefined);
  const wrong = patch.replaceAll("/hostname", "/nothing");
  await assert.rejects(pod(wrong, {}, flag), /pod_spec patch json: /);
});
