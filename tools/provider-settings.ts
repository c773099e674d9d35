import type { KubeConfig } from "@kubernetes/client-node";
import type { StoreAddress } from "./clients/object-store.ts";
import { loadKubeConfig } from "./clients/kubeconfig.ts";
import type { StackConfiguration } from "./stack-file.ts";
import { readIfThere, trustAuthorities } from "./trusted-authorities.ts";

/** Where a stack's servers are, as its providers find them. */
export interface ProviderSettings {
  readonly gitlab: {
    /** Address of the API, with `/api/v4`. */
    readonly baseUrl: string;
    /** Access token of whoever looks; empty where there is none. */
    readonly token: string;
  };
  /** MinIO; undefined where no setting names it. */
  readonly minio: { readonly server: string; readonly https: boolean } | undefined;
  /** @throws Error when there is no such kubeconfig or context */
  readonly kubeConfig: () => KubeConfig;
}

/**
 * Reads the stack's settings, and the environment as its providers do, and lets this process trust the CAs that they
 * name. Does not connect.
 */
export function providerSettings(
  { project, config }: Pick<StackConfiguration, "project" | "config">,
  environment: Readonly<Record<string, string | undefined>>,
): ProviderSettings {
  const setting = (key: string, variable = "") =>
    [config[key], environment[variable]].find((value) => value !== undefined && value !== "");

  trustAuthorities([
    setting(`${project}:caCertificate`),
    ...[setting("gitlab:cacertFile"), setting("minio:minioCacertFile", "MINIO_CACERT_FILE")].map(readIfThere),
  ]);
  const gitlabUrl = setting(`${project}:gitlabUrl`) ?? "https://gitlab.com";
  const minioServer = setting("minio:minioServer", "MINIO_ENDPOINT");
  return {
    gitlab: {
      baseUrl: setting("gitlab:baseUrl", "GITLAB_BASE_URL") ?? `${gitlabUrl.replace(/\/+$/, "")}/api/v4`,
      token: setting("gitlab:token", "GITLAB_TOKEN") ?? "",
    },
    minio:
      minioServer === undefined
        ? undefined
        : {
            server: minioServer,
            https: setting("minio:minioSsl", "MINIO_ENABLE_HTTPS") === "true",
          },
    kubeConfig: () =>
      loadKubeConfig({ kubeconfig: setting("kubernetes:kubeconfig"), context: setting("kubernetes:context") }),
  };
}

/** Where the jobs find their cache, and who has made its keys. */
export interface CachePlace {
  /** `host:port`. */
  readonly server: string;
  readonly insecure: boolean;
  readonly region: string;
  /** The keys are made by the stack, in MinIO; else they were given to it. */
  readonly ownKeys: boolean;
}

/**
 * Where this machine reaches the object store: for keys that the stack makes, as the provider does, since `cache.server` may
 * be an address inside the cluster.
 */
export function storeAddress(
  { server, insecure, region, ownKeys }: CachePlace,
  minio: ProviderSettings["minio"],
): StoreAddress {
  return ownKeys && minio !== undefined
    ? { ...minio, region, source: "minio:minioServer" }
    : { server, https: !insecure, region, source: "cache.server" };
}
