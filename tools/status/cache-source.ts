import { cacheSettings } from "../../components/settings/cache.ts";
import type { KubernetesApi } from "../clients/kubernetes.ts";
import { ObjectStore, type StoreKeys } from "../clients/object-store.ts";
import type { Masker } from "../doctor/masker.ts";
import type { StackOutputs } from "../doctor/pulumi-stack.ts";
import { storeAddress, type ProviderSettings } from "../provider-settings.ts";
import type { CachePart } from "./snapshot.ts";

/** What is known about the cache without asking anyone. */
export interface CacheInput {
  /** The setting `cache`, as JSON; empty where it is not set. */
  readonly setting: string;
  readonly outputs: Pick<StackOutputs, "namespace" | "cacheBucket" | "cacheSecret">;
  readonly minio: ProviderSettings["minio"];
  /** @throws Error when the kubeconfig has no such context */
  readonly kubernetes: () => KubernetesApi;
  /** Gets the keys. */
  readonly masker: Masker;
}

/** @returns what the bucket holds, asked with the cache's own keys, which may list it; null without a cache */
export async function askStore({ setting, outputs, minio, kubernetes, masker }: CacheInput): Promise<CachePart | null> {
  const { namespace, cacheBucket: bucket, cacheSecret } = outputs;
  const cache = cacheConnection(setting, minio);
  if (bucket === undefined || cache === undefined) {
    return null;
  }
  const keys = cache.keys ?? (await readKeys(kubernetes(), namespace, cacheSecret));
  masker.add(keys.accessKey, keys.secretKey);
  const { newest, ...amount } = await cache.store.content(keys, bucket);
  return {
    bucket,
    ...amount,
    objects: newest.map(({ modifiedAt, ...object }) => ({ ...object, modifiedAt: modifiedAt.toISOString() })),
  };
}

/**
 * @returns the store, and the keys that the stack was given, if any; undefined without a cache
 * @throws Error when the settings of the cache are not valid
 */
export function cacheConnection(
  setting: string,
  minio: ProviderSettings["minio"],
): { readonly store: ObjectStore; readonly keys: StoreKeys | undefined } | undefined {
  const cache: unknown = JSON.parse(setting || "{}");
  if (cache === false) {
    return undefined;
  }
  const { credentials, ...place } = cacheSettings.parse(cache);
  const address = storeAddress({ ...place, ownKeys: credentials === undefined }, minio);
  return { store: new ObjectStore(address), keys: credentials as StoreKeys | undefined };
}

/** The keys that the stack has created; they can read, write and list its objects. */
async function readKeys(kubernetes: KubernetesApi, namespace: string, name: string | undefined): Promise<StoreKeys> {
  const data = name === undefined ? undefined : await kubernetes.secretData(namespace, name);
  if (data === undefined) {
    throw new Error(
      name === undefined ? "the stack has no Secret with the cache's keys" : `there is no Secret ${namespace}/${name}`,
    );
  }
  return { accessKey: data["accesskey"] ?? "", secretKey: data["secretkey"] ?? "" };
}
