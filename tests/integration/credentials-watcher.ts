import { CoreV1Api, KubeConfig, type V1ConfigMap, type V1Pod, type V1Secret } from "@kubernetes/client-node";
import { Client } from "minio";
import type { Watched, WatchInput } from "./credentials-watch.ts";
import { Looking } from "./looking.ts";

// The process of a CredentialsWatch. Its argument is a WatchInput as JSON; it ends, and sends what it has seen, when it is sent
// anything.

const namespace = "gitlab-runner";

class CredentialsWatcher {
  readonly #input: WatchInput;
  readonly #api: CoreV1Api;
  readonly #mounted = new Set<string>();
  readonly #violations = new Set<string>();
  readonly #looking: Looking;

  constructor(input: WatchInput) {
    this.#input = input;
    const config = new KubeConfig();
    config.loadFromFile(input.kubeconfig);
    this.#api = config.makeApiClient(CoreV1Api);
    this.#looking = new Looking(() => this.#lookOnce(), 20);
  }

  /** Ends it. */
  async end(): Promise<Watched> {
    return { ...(await this.#looking.end()), mounted: [...this.#mounted], violations: [...this.#violations] };
  }

  async #lookOnce(): Promise<void> {
    const pods = await this.#livePods();
    const objects = await this.#objects();
    const problems = await Promise.all(
      pods.flatMap((pod) =>
        mountedBy(pod).map(async (name) => {
          this.#mounted.add(name);
          const problem = await this.#problemOf(name, objects.get(name));
          return problem === undefined ? [] : [{ uid: pod.metadata?.uid, problem }];
        }),
      ),
    );
    // A pod counts only if it was there before and after what it mounts was looked at.
    const after = await this.#livePods();
    for (const { uid, problem } of problems.flat()) {
      if (after.some(({ metadata }) => metadata?.uid === uid)) {
        this.#violations.add(problem);
      }
    }
  }

  async #problemOf(name: string, object: V1Secret | V1ConfigMap | undefined): Promise<string | undefined> {
    if (object === undefined) {
      return `${name} is not there`;
    }
    const { data = {} } = object;
    const text = (key: string) => Buffer.from(data[key] ?? "", "base64").toString();
    if (data["runner-token"] !== undefined && !(await this.#gitlabAccepts(text("runner-token")))) {
      return `GitLab does not accept the token in ${name}`;
    }
    if (data["accesskey"] !== undefined && !(await this.#minioAccepts(text("accesskey"), text("secretkey")))) {
      return `MinIO does not accept the keys in ${name}`;
    }
    return undefined;
  }

  /** Pods of the manager that are not being deleted. */
  async #livePods(): Promise<V1Pod[]> {
    const { items } = await this.#api.listNamespacedPod({ namespace, labelSelector: "app=gitlab-runner" });
    return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  }

  async #objects(): Promise<Map<string, V1Secret | V1ConfigMap>> {
    const [secrets, configMaps] = await Promise.all([
      this.#api.listNamespacedSecret({ namespace }),
      this.#api.listNamespacedConfigMap({ namespace }),
    ]);
    return new Map([
      ...secrets.items.map((item) => [`Secret ${item.metadata?.name ?? ""}`, item] as const),
      ...configMaps.items.map((item) => [`ConfigMap ${item.metadata?.name ?? ""}`, item] as const),
    ]);
  }

  async #gitlabAccepts(token: string): Promise<boolean> {
    const answer = await fetch(`${this.#input.gitlab}/api/v4/runners/verify`, {
      method: "POST",
      body: new URLSearchParams({ token }),
    });
    return answer.ok;
  }

  async #minioAccepts(accessKey: string, secretKey: string): Promise<boolean> {
    const [endPoint = "", port] = this.#input.minio.split(":");
    const client = new Client({
      endPoint,
      port: Number(port),
      useSSL: false,
      accessKey,
      secretKey,
      region: "us-east-1",
    });
    try {
      return await client.bucketExists(this.#input.bucket);
    } catch {
      return false;
    }
  }
}

/** Names of what a pod mounts, such as `Secret gitlab-runner-credentials-token-1a2b3c4d`. */
function mountedBy({ spec }: V1Pod): string[] {
  return (spec?.volumes ?? []).flatMap(({ secret, configMap, projected }) => {
    const sources = [{ secret: { name: secret?.secretName }, configMap }, ...(projected?.sources ?? [])];
    return sources.flatMap((source) => [
      ...(source.secret?.name === undefined ? [] : [`Secret ${source.secret.name}`]),
      ...(source.configMap?.name === undefined ? [] : [`ConfigMap ${source.configMap.name}`]),
    ]);
  });
}

const watcher = new CredentialsWatcher(JSON.parse(process.argv[2] ?? "") as WatchInput);
process.send?.("started");
process.once("message", () => {
  void watcher.end().then((watched) => {
    process.send?.(watched);
    process.disconnect();
  });
});
