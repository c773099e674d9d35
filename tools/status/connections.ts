import type { KubeConfig } from "@kubernetes/client-node";
import { cacheSettings } from "../../components/settings/cache.ts";
import type { StoreKeys } from "../clients/object-store.ts";
import type { PulumiStack } from "../doctor/pulumi-stack.ts";
import { providerSettings, type ProviderSettings } from "../provider-settings.ts";

/** How this machine reaches GitLab. */
export interface GitLabConnection {
  /** Without `/api/v4`. */
  readonly host: string;
  /** Of whoever looks; empty where there is none. */
  readonly token: string;
}

/** How this machine reaches the object store. */
export interface StoreConnection {
  /** `host:port`. */
  readonly server: string;
  readonly https: boolean;
  readonly region: string;
  /** Keys that the stack was given; undefined for those that it has made, which are in a Secret. */
  readonly keys: StoreKeys | undefined;
}

/** Where the stack's servers are, as its providers reach them. */
export interface Connections {
  readonly gitlab: GitLabConnection;
  /** @throws Error when there is no such kubeconfig or context */
  readonly kubernetes: () => KubeConfig;
  /**
   * Undefined without a cache.
   * @throws Error when the settings of the cache are not valid
   */
  readonly store: () => StoreConnection | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the stack's settings, and the environment as its providers do. Connects nothing. */
export function connectionsOf(stack: PulumiStack, environment: Environment): Connections {
  const { gitlab, minio, kubeConfig } = providerSettings(stack, environment);
  return {
    gitlab: { host: gitlab.baseUrl.replace(/(\/api\/v4)?\/*$/, ""), token: gitlab.token },
    kubernetes: kubeConfig,
    store: () => store(JSON.parse(stack.config[`${stack.project}:cache`] || "{}"), minio),
  };
}

/**
 * Where the stack has made bucket and keys, the store is where its provider finds it: `cache.server` may be an address inside
 * the cluster.
 */
function store(cache: unknown, minio: ProviderSettings["minio"]): StoreConnection | undefined {
  if (cache === false) {
    return undefined;
  }
  const { server, insecure, region, credentials } = cacheSettings.parse(cache);
  return credentials === undefined && minio !== undefined
    ? { ...minio, region, keys: undefined }
    : { server, https: !insecure, region, keys: credentials as StoreKeys | undefined };
}
