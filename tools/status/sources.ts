import type { KubeConfig } from "@kubernetes/client-node";
import type { Masker } from "../doctor/masker.ts";
import type { PulumiStack } from "../doctor/pulumi-stack.ts";
import { askStore } from "./cache-source.ts";
import { connectionsOf, type Connections } from "./connections.ts";
import { askGitLab } from "./gitlab-source.ts";
import { askKubernetes, readCacheKeys, type Place } from "./kubernetes-source.ts";
import type { CacheReport, ClusterReport, RunnerReport, StatusReport } from "./report.ts";

/** Whom the screen asks about a stack; each may reject, and none waits for another. */
export interface Sources {
  /** Undefined for a runner that the stack has not made. */
  readonly runner: () => Promise<RunnerReport | undefined>;
  readonly cluster: () => Promise<ClusterReport>;
  /** Undefined without a cache. */
  readonly cache: () => Promise<CacheReport | undefined>;
}

/** What the stack itself tells. */
export type StackReport = Pick<StatusReport, "stack" | "chart" | "namespaces">;

/** @returns what the stack itself tells, and whom to ask for the rest; secrets that come up are told to the masker */
export function sourcesOf(
  stack: PulumiStack,
  masker: Masker,
  environment: Readonly<Record<string, string | undefined>>,
): StackReport & { readonly sources: Sources } {
  const { name, outputs } = stack;
  const { namespace, runnerId, cacheBucket, cacheSecret } = outputs;
  const jobNamespace = outputs.jobNamespace ?? namespace;
  const place: Place = { release: outputs.release.name, namespace, jobNamespace, cacheSecret };
  const connections = connectionsOf(stack, environment);
  masker.add(connections.gitlab.token);
  const kubernetes = once(connections.kubernetes);
  return {
    stack: name,
    chart: outputs.release.chart,
    namespaces: [...new Set([namespace, jobNamespace])],
    sources: {
      runner: async () => (runnerId === undefined ? undefined : askGitLab(connections.gitlab, runnerId)),
      cluster: async () => askKubernetes(kubernetes(), place),
      cache: async () =>
        cacheBucket === undefined ? undefined : cacheReport(connections, kubernetes, place, masker, cacheBucket),
    },
  };
}

async function cacheReport(
  connections: Connections,
  kubernetes: () => KubeConfig,
  place: Place,
  masker: Masker,
  bucket: string,
): Promise<CacheReport | undefined> {
  const store = connections.store();
  if (store === undefined) {
    return undefined;
  }
  const keys = store.keys ?? (await readCacheKeys(kubernetes(), place));
  masker.add(keys.accessKey, keys.secretKey);
  return askStore(store, keys, bucket);
}

function once<Result>(work: () => Result): () => Result {
  let done: { readonly result: Result } | undefined;
  return () => (done ??= { result: work() }).result;
}
