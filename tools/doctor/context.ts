import type { V1Deployment, V1Pod } from "@kubernetes/client-node";
import type { ExpectedCache, ExpectedStack } from "./expected-stack.ts";
import { GitLabApi, type GitLabRunner, type Verification } from "../clients/gitlab.ts";
import { KubernetesApi } from "../clients/kubernetes.ts";
import type { Masker } from "./masker.ts";
import { ObjectStore, type Outcome, type StoreAddress, type StoreKeys, type Trial } from "../clients/object-store.ts";
import type { PulumiStack, StackOutputs } from "./pulumi-stack.ts";
import type { ExportedState } from "./stack-state.ts";
import { providerSettings, storeAddress, type ProviderSettings } from "../provider-settings.ts";

/** What the caller can change. */
export interface DoctorOptions {
  /** Minutes past its timeout after which a job pod counts as left behind. */
  readonly graceMinutes: number;
  /** `host:port` of the object store as this machine reaches it; undefined for what the stack says. */
  readonly storeServer: string | undefined;
}

/** What {@link createContext} starts from. */
export interface ContextInput {
  readonly stack: PulumiStack;
  readonly expected: ExpectedStack;
  readonly options: DoctorOptions;
  readonly masker: Masker;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What Pulumi keeps of the stack; for `--fix` only. */
  readonly state?: ExportedState;
}

/** What the checks work with. What several of them want to know is asked for once. */
export interface DoctorContext {
  /** Name of the stack, for commands. */
  readonly stack: string;
  readonly outputs: StackOutputs;
  readonly expected: ExpectedStack;
  readonly options: DoctorOptions;
  /** What Pulumi keeps of the stack; undefined where nothing is to be fixed. */
  readonly state: ExportedState | undefined;
  /** Namespace of the job pods. */
  readonly jobNamespace: string;
  readonly gitlab: GitLabApi;
  /** @throws Error when the kubeconfig has no such context */
  readonly kubernetes: () => KubernetesApi;
  /** Undefined without a cache. */
  readonly store: ObjectStore | undefined;
  readonly now: () => Date;
  /** The runner in GitLab, or undefined where there is none of its id. */
  readonly runner: () => Promise<GitLabRunner | undefined>;
  /** Id of the runner; of one that exists already, GitLab tells it for its token, or undefined where it does not know that. */
  readonly runnerId: () => Promise<number | undefined>;
  /** The token in the Secret, or undefined where there is no Secret. */
  readonly runnerToken: () => Promise<string | undefined>;
  /** What GitLab says to the token; undefined where there is none. */
  readonly verification: () => Promise<Verification | undefined>;
  readonly deployment: () => Promise<V1Deployment | undefined>;
  /** Pods of the manager. */
  readonly managerPods: () => Promise<V1Pod[]>;
  /** Pods of jobs. */
  readonly jobPods: () => Promise<V1Pod[]>;
  /** Keys in the cache's Secret, or undefined where there is no Secret. */
  readonly cacheKeys: () => Promise<StoreKeys | undefined>;
  /** What the store says to the keys when they list the bucket. */
  readonly bucketListing: () => Promise<Outcome>;
  /** What the keys can do. */
  readonly trial: () => Promise<Trial>;
}

/** Name of the object that tries whether the cache works: always the same, so that it does not pile up. */
export function probeObject(release: string): string {
  return `doctor-probe-${release}`;
}

/** Label that the runner gives the pod of a job; see https://docs.gitlab.com/runner/executors/kubernetes/#default-labels-for-job-pods */
export const jobPodLabel = "job.runner.gitlab.com/pod";

/** Connects nothing yet. */
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
