import { GitLabApi } from "../clients/gitlab.ts";
import { KubernetesApi } from "../clients/kubernetes.ts";
import type { Masker } from "../doctor/masker.ts";
import { parseOutputs, type ConfiguredStack } from "../doctor/pulumi-stack.ts";
import { providerSettings } from "../provider-settings.ts";
import { askStore } from "./cache-source.ts";
import { askKubernetes } from "./cluster-source.ts";
import { askGitLab } from "./gitlab-source.ts";
import type { CachePart, ClusterPart, GitLabPart, StackPart } from "./snapshot.ts";

/** The sources of data about a stack; each may reject, and none waits for another. */
export interface Sources {
  readonly gitlab: () => Promise<GitLabPart>;
  readonly cluster: () => Promise<ClusterPart>;
  readonly cache: () => Promise<CachePart | null>;
}

/** What the stack itself contains, and the sources of the rest. */
export interface Watched {
  readonly stack: StackPart;
  readonly sources: Sources;
  /** A job's log, as far as the runner has sent it. */
  readonly trace: (projectId: number, jobId: number) => Promise<string>;
}

/**
 * Does not connect yet. Secrets that come up are added to the masker.
 * @throws UserError when nothing is deployed
 */
export function sourcesOf(
  stack: ConfiguredStack,
  masker: Masker,
  environment: Readonly<Record<string, string | undefined>>,
): Watched {
  const outputs = parseOutputs(stack.outputsJson, stack.name);
  const { namespace, runnerId, release } = outputs;
  const jobNamespace = outputs.jobNamespace ?? namespace;
  const settings = providerSettings(stack, environment);
  masker.add(settings.gitlab.token);
  const gitlab = new GitLabApi(settings.gitlab.baseUrl, settings.gitlab.token);
  let cluster: KubernetesApi | undefined;
  const kubernetes = () => (cluster ??= new KubernetesApi(settings.kubeConfig()));
  const setting = stack.config[`${stack.project}:cache`] ?? "";
  const shown = JSON.parse(stack.outputsJson) as Record<string, unknown>;
  return {
    stack: {
      name: stack.name,
      chart: release.chart,
      namespaces: [...new Set([namespace, jobNamespace])],
      outputs: shown,
      isBusy: false,
      suggestions: nextSteps(shown["nextSteps"]),
    },
    sources: {
      gitlab: async () => (runnerId === undefined ? { runner: null, jobs: [] } : askGitLab(gitlab, runnerId)),
      cluster: async () => askKubernetes(kubernetes(), { release: release.name, namespace, jobNamespace }),
      cache: () => askStore({ setting, outputs, minio: settings.minio, kubernetes, masker }),
    },
    trace: (projectId, jobId) => gitlab.trace(projectId, jobId),
  };
}

function nextSteps(steps: unknown): StackPart["suggestions"] {
  return Array.isArray(steps) ? [{ what: "Look at it in Kubernetes", commands: steps.map(String) }] : [];
}
