import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize } from "node:path";
import {
  type AuthenticationV1TokenRequest,
  ApiException,
  CoreV1Api,
  type KubeConfig,
  type V1ConfigMap,
  type V1KeyToPath,
  type V1Pod,
  type V1ProjectedVolumeSource,
  type V1Secret,
  type V1Volume,
} from "@kubernetes/client-node";
import { model } from "../../tools/kubernetes-model.ts";

/** A pod whose volumes are written to disk as a kubelet would mount them. */
export interface MountedPod {
  readonly pod: V1Pod;
  /** Environment of its first container; only plain values, since the chart renders no others. */
  readonly environment: Readonly<Record<string, string>>;
  /** The path on this machine of a path in the container. */
  path(inContainer: string): string;
}

/** Lifetime of the account token. A kubelet would renew it; here nothing does. */
const tokenSeconds = 86_400;

/**
 * Finds the running manager pod of a Helm release.
 * @returns the newest one, or undefined while there is none.
 */
export async function findManagerPod(
  config: KubeConfig,
  namespace: string,
  release: string,
): Promise<V1Pod | undefined> {
  const { items } = await config.makeApiClient(CoreV1Api).listNamespacedPod({
    namespace,
    // `app` is the chart's full name of the release, which may differ from the release's name.
    labelSelector: `release=${release},heritage=Helm`,
  });
  return items
    .filter((pod) => pod.status?.phase === "Running" && pod.metadata?.deletionTimestamp === undefined)
    .sort((a, b) => Number(b.metadata?.creationTimestamp ?? 0) - Number(a.metadata?.creationTimestamp ?? 0))
    .at(0);
}

/**
 * Writes the files that the pod's first container has mounted below `root`, files 0600 and folders 0700. As with a
 * kubelet, a Secret, ConfigMap or key that is missing and not optional is an error that names it.
 */
export async function mountPod(config: KubeConfig, pod: V1Pod, root: string): Promise<MountedPod> {
  const container = pod.spec?.containers[0];
  if (container === undefined) {
    throw new Error("the manager pod has no container");
  }
  await rm(root, { recursive: true, force: true });
  await mkdir(root, { recursive: true, mode: 0o700 });
  await chmod(root, 0o700);

  const reader = new VolumeReader(config, pod);
  // Outer mounts first, so that a mount inside another one is not deleted or hidden.
  const mounts = [...(container.volumeMounts ?? [])].sort((a, b) => a.mountPath.length - b.mountPath.length);
  for (const mount of mounts) {
    const volume = pod.spec?.volumes?.find((candidate) => candidate.name === mount.name);
    if (volume === undefined) {
      throw new Error(`the manager pod mounts volume ${mount.name}, which it does not have`);
    }
    const target = below(root, mount.mountPath);
    await mkdir(target, { recursive: true, mode: 0o700 });
    for (const [file, bytes] of await reader.files(volume)) {
      const path = below(target, file);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, bytes, { mode: 0o600 });
    }
  }
  const environment = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value ?? ""]));
  return { pod, environment, path: (inContainer) => below(root, inContainer) };
}

/** Files that a kubelet would mount into a folder of the pod's container, by name; none if nothing is mounted there. */
export async function mountedFiles(
  config: KubeConfig,
  pod: V1Pod,
  container: string,
  folder: string,
): Promise<Map<string, Buffer>> {
  const mounts = pod.spec?.containers.find(({ name }) => name === container)?.volumeMounts ?? [];
  const mount = mounts.find(({ mountPath }) => mountPath.replace(/\/+$/, "") === folder.replace(/\/+$/, ""));
  const volume = pod.spec?.volumes?.find(({ name }) => name === mount?.name);
  return volume === undefined ? new Map() : new VolumeReader(config, pod).files(volume);
}

/** The content that a kubelet would write to the volumes of a pod. */
class VolumeReader {
  readonly #api: CoreV1Api;
  readonly #pod: V1Pod;
  readonly #namespace: string;

  constructor(config: KubeConfig, pod: V1Pod) {
    this.#api = config.makeApiClient(CoreV1Api);
    this.#pod = pod;
    this.#namespace = pod.metadata?.namespace ?? "default";
  }

  async files(volume: V1Volume): Promise<Map<string, Buffer>> {
    if (volume.emptyDir !== undefined) {
      return new Map();
    }
    if (volume.projected !== undefined) {
      return this.#projected(volume.projected);
    }
    const { secret, configMap } = volume;
    if (secret !== undefined) {
      return this.#secret(secret.secretName ?? "", secret.items, secret.optional);
    }
    if (configMap !== undefined) {
      return this.#configMap(configMap.name ?? "", configMap.items, configMap.optional);
    }
    throw new Error(`volume ${volume.name} of the pod is of a kind that the sandbox does not mount`);
  }

  async #projected(projected: V1ProjectedVolumeSource): Promise<Map<string, Buffer>> {
    const files = new Map<string, Buffer>();
    for (const { secret, configMap, serviceAccountToken } of projected.sources ?? []) {
      if (secret !== undefined) {
        merge(files, await this.#secret(secret.name ?? "", secret.items, secret.optional));
      }
      if (configMap !== undefined) {
        merge(files, await this.#configMap(configMap.name ?? "", configMap.items, configMap.optional));
      }
      if (serviceAccountToken !== undefined) {
        files.set(serviceAccountToken.path, await this.#token(serviceAccountToken.audience));
      }
    }
    return files;
  }

  async #secret(name: string, items: V1KeyToPath[] | undefined, optional = false): Promise<Map<string, Buffer>> {
    const secret = await orMissing<V1Secret>(this.#api.readNamespacedSecret({ name, namespace: this.#namespace }));
    if (secret === undefined && !optional) {
      throw new Error(`secret "${name}" not found: the pod mounts it`);
    }
    const data = Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64")] as const);
    return select(`secret "${name}"`, new Map(data), items, optional);
  }

  async #configMap(name: string, items: V1KeyToPath[] | undefined, optional = false): Promise<Map<string, Buffer>> {
    const map = await orMissing<V1ConfigMap>(this.#api.readNamespacedConfigMap({ name, namespace: this.#namespace }));
    if (map === undefined && !optional) {
      throw new Error(`configmap "${name}" not found: the pod mounts it`);
    }
    const data = Object.entries(map?.data ?? {}).map(([key, value]) => [key, Buffer.from(value)] as const);
    return select(`configmap "${name}"`, new Map(data), items, optional);
  }

  /**
   * A token of the pod's account. A kubelet binds it to the pod; this one is unbound, because a simulated pod disappears as
   * soon as it is deleted, while its jobs may still run.
   */
  async #token(audience: string | undefined): Promise<Buffer> {
    const { spec } = this.#pod;
    const request = await this.#api.createNamespacedServiceAccountToken({
      name: spec?.serviceAccountName ?? "default",
      namespace: this.#namespace,
      body: model<AuthenticationV1TokenRequest>({
        spec: {
          audiences: audience === undefined ? [] : [audience],
          expirationSeconds: tokenSeconds,
        },
      }),
    });
    return Buffer.from(request.status?.token ?? "");
  }
}

function select(
  source: string,
  data: Map<string, Buffer>,
  items: V1KeyToPath[] | undefined,
  optional: boolean,
): Map<string, Buffer> {
  if (items === undefined || items.length === 0) {
    return data;
  }
  const files = new Map<string, Buffer>();
  for (const { key, path } of items) {
    const bytes = data.get(key);
    if (bytes !== undefined) {
      files.set(path, bytes);
    } else if (!optional) {
      throw new Error(`${source} has no key "${key}": the pod mounts it`);
    }
  }
  return files;
}

function merge(into: Map<string, Buffer>, from: Map<string, Buffer>): void {
  for (const [file, bytes] of from) {
    into.set(file, bytes);
  }
}

async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: unknown) => {
    if (error instanceof ApiException && error.code === 404) {
      return undefined;
    }
    throw error;
  });
}

/** Joins paths, and rejects one that leads outside the folder. */
function below(folder: string, path: string): string {
  const relative = normalize(isAbsolute(path) ? `.${path}` : path);
  if (relative.startsWith("..")) {
    throw new Error(`${path} is outside of its volume`);
  }
  return join(folder, relative);
}
