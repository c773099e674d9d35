import type { V1Deployment, V1Pod } from "@kubernetes/client-node";
import type { ExpectedCache, ExpectedStack } from "./expected-stack.ts";
import { GitLabApi, type GitLabRunner, type Verification } from "../clients/gitlab.ts";
import { KubernetesApi } from "../clients/kubernetes.ts";
import type { Masker } from "./masker.ts";
import { ObjectStore, type Outcome, type StoreAddress, type StoreKeys, type Trial } from "../clients/object-store.ts";
import type { PulumiStack, StackOutputs } from "./pulumi-stack.ts";
import type { ExportedState } from "./stack-state.ts";
import { providerSettings, storeAddress, type ProviderSettings } from "../provider-settings.ts";

/** Options of the caller. */
export interface DoctorOptions {
  /** Minutes past its timeout after which a job pod counts as left behind. */
  readonly graceMinutes: number;
  /** `host:port` of the object store as this machine reaches it; undefined for the stack's setting. */
  readonly storeServer: string | undefined;
}

/** Inputs of {@link createContext}. */
export interface ContextInput {
  readonly stack: PulumiStack;
  readonly expected: ExpectedStack;
  readonly options: DoctorOptions;
  readonly masker: Masker;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The stack's state; only for `--fix`. */
  readonly state?: ExportedState;
}

/** What the checks work with. Data that several checks need is requested only once. */
export interface DoctorContext {
  /** Name of the stack, for commands. */
  readonly stack: string;
  readonly outputs: StackOutputs;
  readonly expected: ExpectedStack;
  readonly options: DoctorOptions;
  /** The stack's state; undefined without `--fix`. */
  readonly state: ExportedState | undefined;
  /** Namespace of the job pods. */
  readonly jobNamespace: string;
  readonly gitlab: GitLabApi;
  /** @throws Error when the kubeconfig has no such context */
  readonly kubernetes: () => KubernetesApi;
  /** Undefined without a cache. */
  readonly store: ObjectStore | undefined;
  readonly now: () => Date;
  /** The runner in GitLab, or undefined if there is none with its id. */
  readonly runner: () => Promise<GitLabRunner | undefined>;
  /** Id of the runner; for an existing runner, GitLab returns it for the token. Undefined if GitLab does not know the token. */
  readonly runnerId: () => Promise<number | undefined>;
  /** The token in the Secret, or undefined if there is no Secret. */
  readonly runnerToken: () => Promise<string | undefined>;
  /** GitLab's response to the token; undefined without a token. */
  readonly verification: () => Promise<Verification | undefined>;
  readonly deployment: () => Promise<V1Deployment | undefined>;
  /** Pods of the manager. */
  readonly managerPods: () => Promise<V1Pod[]>;
  /** Pods of jobs. */
  readonly jobPods: () => Promise<V1Pod[]>;
  /** Keys in the cache's Secret, or undefined if there is no Secret. */
  readonly cacheKeys: () => Promise<StoreKeys | undefined>;
  /** The store's response when the keys list the bucket. */
  readonly bucketListing: () => Promise<Outcome>;
  /** What the keys can do. */
  readonly trial: () => Promise<Trial>;
}

/** Name of the object that tests whether the cache works: always the same, so that only one is left behind. */
export function probeObject(release: string): string {
  return `doctor-probe-${release}`;
}

/** Label that the runner gives the pod of a job; see https://docs.gitlab.com/runner/executors/kubernetes/#default-labels-for-job-pods */
export const jobPodLabel = "job.runner.gitlab.com/pod";

/** Does not connect yet. */
export function createContext(input: ContextInput): DoctorContext {
  const { stack, expected, options, masker, environment, state } = input;
  const { outputs } = stack;
  const { namespace, release } = outputs;
  const jobNamespace = outputs.jobNamespace ?? namespace;
  const providers = providerSettings(stack, environment);
  masker.add(providers.gitlab.token);
  const gitlab = new GitLabApi(providers.gitlab.baseUrl, providers.gitlab.token);

  let cluster: KubernetesApi | undefined;
  const kubernetes = () => (cluster ??= new KubernetesApi(providers.kubeConfig()));

  const { cache } = expected;
  const store = cache && new ObjectStore(addressOf(cache, options, providers.minio));

  const runnerToken = once(async () => {
    const data = await kubernetes().secretData(namespace, outputs.tokenSecret);
    const found = data?.["runner-token"];
    masker.add(found);
    return found;
  });
  const verification = once(async () => {
    const found = await runnerToken();
    return found === undefined ? undefined : gitlab.verify(found);
  });
  const runnerId = once(async () => {
    if (outputs.runnerId !== undefined) {
      return outputs.runnerId;
    }
    const answer = await verification();
    return answer?.valid === true ? answer.runnerId : undefined;
  });
  const cacheKeys = once(async () => {
    const data =
      outputs.cacheSecret === undefined ? undefined : await kubernetes().secretData(namespace, outputs.cacheSecret);
    masker.add(data?.["accesskey"], data?.["secretkey"]);
    return data && { accessKey: data["accesskey"] ?? "", secretKey: data["secretkey"] ?? "" };
  });
  const withKeys = async <Result>(use: (store: ObjectStore, keys: StoreKeys, bucket: string) => Promise<Result>) => {
    const keys = await cacheKeys();
    if (store === undefined || expected.cache === undefined || keys === undefined) {
      throw new Error("there is no cache, or no Secret with its keys");
    }
    return use(store, keys, outputs.cacheBucket ?? expected.cache.bucket);
  };
  const probe = probeObject(release.name);
  return {
    stack: stack.name,
    outputs,
    expected,
    options,
    state,
    jobNamespace,
    gitlab,
    kubernetes,
    store,
    now: () => new Date(),
    runnerToken,
    verification,
    runnerId,
    cacheKeys,
    runner: once(async () => {
      const id = await runnerId();
      return id === undefined ? undefined : gitlab.runner(id);
    }),
    deployment: once(async () => kubernetes().deployment(namespace, release.name)),
    managerPods: once(async () => kubernetes().pods(namespace, `app=${release.name}`)),
    jobPods: once(async () => kubernetes().pods(jobNamespace, jobPodLabel)),
    bucketListing: once(() => withKeys((of, keys, bucket) => of.list(keys, bucket, probe))),
    trial: once(() => withKeys((of, keys, bucket) => of.try(keys, bucket, probe))),
  };
}

function addressOf(
  cache: ExpectedCache,
  { storeServer }: DoctorOptions,
  minio: ProviderSettings["minio"],
): StoreAddress {
  const address = storeAddress(cache, minio);
  return storeServer === undefined
    ? address
    : { ...address, server: storeServer, https: !cache.insecure, source: "--store" };
}

function once<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => (result ??= work());
}
