import assert from "node:assert/strict";
import { test } from "node:test";
import { jobPod, jobPodName } from "../../sandbox/manager/job-pod.ts";
import { jobVariables } from "../../sandbox/manager/job-variables.ts";
import { job, runner, type JobFields } from "./manager-fixtures.ts";

function pod(kubernetes = "", fields: JobFields = {}, flags?: Record<string, boolean>) {
  const entry = runner(flags === undefined ? {} : { feature_flags: flags }, kubernetes);
  const ofJob = job(fields);
  const variables = jobVariables(ofJob, entry, "/b");
  return jobPod({ job: ofJob, runner: entry, variables, name: "runner-x", version: "18.9.0" });
}

function container(made: ReturnType<typeof pod>, name: string) {
  const found = made.spec?.containers.find((one) => one.name === name);
  assert.ok(found, `no container ${name}`);
  return found;
}

test("its name tells runner, project and slot", () => {
  assert.match(jobPodName(runner(), job(), 2), /^runner-012345678-project-7-concurrent-2-[0-9a-f]{8}$/);
});

test("the configuration's settings are in their places", () => {
  const made = pod(
    `
    cpu_request = "100m"
    memory_limit = "1Gi"
    helper_memory_limit = "256Mi"
    service_cpu_limit = "1"
    privileged = false
    pull_policy = ["if-not-present"]
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
    [runners.kubernetes.build_container_security_context]
      run_as_user = 1000
      [runners.kubernetes.build_container_security_context.capabilities]
        drop = ["ALL"]`,
    { services: ["postgres:17"], variables: [{ key: "CI_PROJECT_ID", value: "7" }] },
  );
  const { metadata, spec } = made;
  assert.ok(metadata && spec);
  assert.equal(metadata.namespace, "ci");
  assert.equal(metadata.labels?.["team"], "7");
  assert.equal(metadata.labels["project.runner.gitlab.com/id"], "7");
  assert.equal(metadata.annotations?.["linkerd.io/inject"], "enabled");
  assert.equal(metadata.annotations["job.runner.gitlab.com/id"], "42");
  assert.equal(spec.serviceAccountName, "job");
  assert.equal(spec.automountServiceAccountToken, false);
  assert.equal(spec.priorityClassName, "low");
  assert.deepEqual(spec.nodeSelector, { "kubernetes.io/hostname": "polycephala" });
  assert.deepEqual(spec.tolerations, [
    { key: "ci", operator: "Equal", value: "true", effect: "NoSchedule" },
    { key: "spot", operator: "Exists" },
  ]);
  assert.deepEqual(
    spec.containers.map(({ name }) => name),
    ["build", "helper", "svc-0"],
  );
  const build = container(made, "build");
  assert.equal(build.image, "alpine:latest");
  assert.equal(build.imagePullPolicy, "IfNotPresent");
  assert.deepEqual(build.resources, { requests: { cpu: "100m" }, limits: { memory: "1Gi" } });
  // NET_RAW is dropped from every container, as by the runner.
  const capabilities = { drop: ["NET_RAW", "ALL"] };
  assert.deepEqual(build.securityContext, { privileged: false, runAsUser: 1000, capabilities });
  assert.deepEqual(container(made, "helper").resources, { limits: { memory: "256Mi" } });
  assert.deepEqual(container(made, "svc-0").resources, { limits: { cpu: "1" } });
});

test("an image that is not allowed is refused, the configured one never is", () => {
  const allowed = 'allowed_images = ["registry.example.com/**", "node:2?"]';
  assert.equal(container(pod(allowed), "build").image, "alpine:latest");
  assert.equal(
    container(pod(allowed, { image: "registry.example.com/a/b:1" }), "build").image,
    "registry.example.com/a/b:1",
  );
  assert.equal(container(pod(allowed, { image: "node:24" }), "build").image, "node:24");
  for (const image of ["ubuntu", "node:18-slim", "evil/registry.example.com/x"]) {
    assert.throws(() => pod(allowed, { image }), /is not one that the runner's configuration allows/);
  }
  assert.throws(() => pod('allowed_services = ["postgres:*"]', { services: ["redis:8"] }), /service "redis:8"/);
});

test("a job gets more only as far as the configuration lets it", () => {
  const limit = 'cpu_limit = "500m"\ncpu_limit_overwrite_max_allowed = "2"';
  const ask = (value: string) => ({ variables: [{ key: "KUBERNETES_CPU_LIMIT", value }] });
  assert.deepEqual(container(pod(limit, ask("1500m")), "build").resources, { limits: { cpu: "1500m" } });
  assert.throws(() => pod(limit, ask("3")), /asks for cpu_limit 3; .* allows 2/);
  // Without a maximum the job's wish counts for nothing.
  assert.deepEqual(container(pod('cpu_limit = "500m"', ask("3")), "build").resources, { limits: { cpu: "500m" } });
});

test("pod_spec patches apply with their feature flag only", () => {
  const patch = `[[runners.kubernetes.pod_spec]]
    name = "merge containers by name"
    patch = '{"containers":[{"name":"build","workingDir":"/w"}],"hostname":"h"}'
  [[runners.kubernetes.pod_spec]]
    name = "json"
    patch_type = "json"
    patch = '[{"op":"add","path":"/containers/-","value":{"name":"extra","image":"x"}},{"op":"remove","path":"/hostname"}]'`;
  const made = pod(patch);
  assert.equal(container(made, "build").workingDir, "/w");
  assert.equal(container(made, "build").image, "alpine:latest");
  assert.equal(container(made, "extra").image, "x");
  assert.equal(made.spec?.hostname, undefined);
  assert.equal(container(pod(patch, {}, {}), "build").workingDir, undefined);
});
