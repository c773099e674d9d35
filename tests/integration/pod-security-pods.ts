import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { V1ConfigMap, V1Deployment, V1Namespace, V1Pod } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import type { PodSecurityLevel } from "../../components/settings/namespace.ts";
import { builtTools } from "../../tools/pinned-tools.ts";
import { jobPod } from "../../sandbox/manager/job-pod.ts";
import { jobVariables } from "../../sandbox/manager/job-variables.ts";
import { registerRunner } from "../../sandbox/manager/runner-config.ts";
import {
  helmTemplate,
  kubernetesYaml,
  standInChart,
  type HelmRelease,
  type KubernetesObject,
} from "../../tools/helm-template.ts";
import type { Plain } from "../../tools/kubernetes-model.ts";
import { repository } from "../../tools/repository.ts";
import { job } from "../sandbox/manager-fixtures.ts";
import { deploy } from "../unit/mock-engine.ts";

/** A pod that an example makes. */
export interface ExamplePod {
  /** The example and what of it: `group: job`. */
  readonly title: string;
  readonly pod: Plain<V1Pod>;
  /** The level that its namespace declares. */
  readonly level: PodSecurityLevel;
}

/** Every pod of every example: its managers, and a job with a service. */
export async function examplePods(): Promise<ExamplePod[]> {
  const files = [...readdirSync(repository), ...readdirSync(join(repository, "examples"))];
  const stacks = files.flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
  const found: ExamplePod[] = [];
  for (const stack of stacks) {
    // What the stack renders to, as tests/rendering/render.test.ts sees to.
    const folder = join(repository, "tests/golden", stack, "kubernetes");
    const objects = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".yaml"))
      .map((file) => parse(readFileSync(join(folder, file), "utf8"), kubernetesYaml) as KubernetesObject);
    found.push(...(await podsOf(stack, objects)));
  }
  return [...found, ...(await podsOfTwoRunners())];
}

/** The example that is a program of its own. */
async function podsOfTwoRunners(): Promise<ExamplePod[]> {
  const { resources, all } = await deploy(() => {
    pulumi.runtime.setAllConfig({ "gitlab-runner:projectId": "12345678" });
    return import("../../examples/two-runners/index.ts");
  });
  const namespaces = resources
    .filter(({ type }) => type === "kubernetes:core/v1:Namespace")
    .map(({ inputs }) => inputs as unknown as KubernetesObject);
  const found: ExamplePod[] = [];
  for (const { inputs } of all("kubernetes:helm.sh/v3:Release")) {
    const { name, namespace, values } = inputs as unknown as HelmRelease;
    const { objects } = await helmTemplate({ name, namespace, values, chart: standInChart });
    found.push(...(await podsOf(`two-runners, ${name}`, [...namespaces, ...objects])));
  }
  return found;
}

async function podsOf(example: string, objects: readonly KubernetesObject[]): Promise<ExamplePod[]> {
  const ofKind = <T>(kind: string) => objects.filter((object) => object.kind === kind) as unknown as Plain<T>[];
  const level = (namespace: string | undefined) =>
    ofKind<V1Namespace>("Namespace").find(({ metadata }) => metadata?.name === namespace)?.metadata?.labels?.[
      "pod-security.kubernetes.io/enforce"
    ] as PodSecurityLevel;
  const managers = ofKind<V1Deployment>("Deployment").map(({ metadata, spec }) => ({
    title: `${example}: manager`,
    pod: { apiVersion: "v1", kind: "Pod", metadata: { name: "manager" }, spec: spec?.template.spec },
    level: level(metadata?.namespace),
  }));
  const [template, ...others] = ofKind<V1ConfigMap>("ConfigMap").flatMap(
    ({ data }) => data?.["config.template.toml"] ?? [],
  );
  if (template === undefined || others.length > 0 || managers.length === 0) {
    throw new Error(`${example} has not one configuration and its managers`);
  }
  const pod = await jobPodOf(template);
  return [...managers, { title: `${example}: job`, pod, level: level(pod.metadata?.namespace) }];
}

/** The pod that a runner with this configuration makes for a job of this image, with a service. */
export async function jobPodOf(template: string, image?: string): Promise<Plain<V1Pod>> {
  const environment = {
    ...{ CI_SERVER_URL: "http://127.0.0.1:1", CI_SERVER_TOKEN: "glrt-0123456789abcdefghij" },
    RUNNER_EXECUTOR: "kubernetes",
  };
  const { runner } = registerRunner({ config: "", template, environment, hostname: "manager" });
  const ofJob = job(image === undefined ? {} : { image });
  const variables = jobVariables(ofJob, runner, "/builds");
  const pod: Plain<V1Pod> = await jobPod({
    ...{ job: ofJob, runner, variables },
    ...{ name: "runner-job", kubectl: builtTools().kubectl },
  });
  const containers = pod.spec?.containers ?? [];
  // A service's container has the security context of the others, and none of the patches by their names:
  // https://gitlab.com/gitlab-org/gitlab-runner/-/blob/v18.9.0/executors/kubernetes/kubernetes.go
  const helper = containers.find((container) => container.name === "helper");
  const service = { ...helper, name: "svc-0", image: "postgres:18" };
  return { ...pod, spec: { ...pod.spec, containers: [...containers, service] } };
}
