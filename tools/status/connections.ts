import type { KubeConfig } from "@kubernetes/client-node";
import { cacheSettings } from "../../components/settings.ts";
import type { PulumiStack } from "../doctor/pulumi-stack.ts";
import { loadKubeConfig } from "../kubeconfig.ts";
import { readIfThere, trustAuthorities } from "../trusted-authorities.ts";

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

/** A pair of keys of an object store. */
export interface StoreKeys {
  readonly accessKey: string;
  readonly secretKey: string;
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
export function connectionsOf({ project, config }: PulumiStack, environment: Environment): Connections {
  const setting = (key: string, variable = "") =>
    [config[key], environment[variable]].find((value) => value !== undefined && value !== "");

  trustAuthorities([
    setting(`${project}:caCertificate`),
    ...[setting("gitlab:cacertFile"), setting("minio:minioCacertFile", "MINIO_CACERT_FILE")].map(readIfThere),
  ]);
  const gitlabUrl = setting(`${project}:gitlabUrl`) ?? "https://gitlab.com";
  return {
    gitlab: {
      host: (setting("gitlab:baseUrl", "GITLAB_BASE_URL") ?? gitlabUrl).replace(/(\/api\/v4)?\/*$/, ""),
      token: setting("gitlab:token", "GITLAB_TOKEN") ?? "",
    },
    kubernetes: () =>
      loadKubeConfig({ kubeconfig: setting("kubernetes:kubeconfig"), context: setting("kubernetes:context") }),
    store: () => store(JSON.parse(setting(`${project}:cache`) ?? "{}"), setting),
  };
}

/**
 * Where the stack has made bucket and keys, the store is where its provider finds it: `cache.server` may be an address inside
 * the cluster.
 */
function store(
  cache: unknown,
  setting: (key: string, variable?: string) => string | undefined,
): StoreConnection | undefined {
  if (cache === false) {
    return undefined;
  }
  const { server, insecure, region, credentials } = cacheSettings.parse(cache);
  const provider = credentials === undefined ? setting("minio:minioServer", "MINIO_ENDPOINT") : undefined;
  return provider === undefined
    ? { server, https: !insecure, region, keys: credentials as StoreKeys | undefined }
    : {
        server: provider,
        https: setting("minio:minioSsl", "MINIO_ENABLE_HTTPS") === "true",
        region,
        keys: undefined,
      };
}
