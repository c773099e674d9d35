import { gunzipSync } from "node:zlib";
import {
  AdmissionregistrationV1Api,
  AppsV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  createConfiguration,
  KubeConfig,
  KubernetesObjectApi,
  PatchStrategy,
  ServerConfiguration,
  VersionApi,
  type CoreV1Event,
  type KubernetesObject,
  type V1ConfigMap,
  type V1Deployment,
  type V1Namespace,
  type V1Pod,
  type V1ResourceRule,
  type V1Secret,
  type V1SelfSubjectAccessReview,
  type V1SelfSubjectRulesReview,
  type V1Service,
} from "@kubernetes/client-node";
import { z } from "zod";
import { model } from "../kubernetes-model.ts";
import { httpStatus } from "./describe-error.ts";
import { callLimit, within } from "./time-limit.ts";

/** Something that an account may or may not do. */
export interface Right {
  readonly group: string;
  /** With a subresource behind a slash, such as `pods/exec`. */
  readonly resource: string;
  readonly verb: string;
}

/** A Helm release as Helm has stored it. */
export interface HelmRelease {
  /** `deployed`, `failed`, `pending-upgrade` or another of Helm's statuses. */
  readonly status: string;
  readonly chartVersion: string;
  readonly revision: number;
  /** The last revision that was deployed, and that Helm can roll back to; undefined if there is none. */
  readonly lastDeployed: number | undefined;
  /** Name of the Secret with the runner's token, in the values. */
  readonly tokenSecret: string | undefined;
  /** The objects of the newest revision, as Helm applied them: YAML documents. */
  readonly manifest: string;
}

/** Contents of a Helm release's Secret, as far as the doctor uses them. */
const helmRecord = z.object({
  chart: z.object({ metadata: z.object({ version: z.string() }) }),
  config: z.object({ runners: z.object({ secret: z.string().optional() }).optional() }).nullish(),
  manifest: z.string().default(""),
});

type ApiClass<Api> = new (configuration: ReturnType<typeof createConfiguration>) => Api;

/** The cluster; every call has a limit. */
export class KubernetesApi {
  readonly #config: KubeConfig;

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  /** As a file for `kubectl` and `helm`, including the credentials. */
  get kubeconfig(): string {
    return this.#config.exportConfig();
  }

  /** Name of the context, and the server's address. */
  get place(): string {
    return `${this.#config.getCurrentCluster()?.server ?? ""} (context ${this.#config.getCurrentContext()})`;
  }

  /** @returns the server's version, such as `v1.36.3` */
  async version(): Promise<string> {
    return (await this.#api(VersionApi).getCode()).gitVersion;
  }

  namespace(name: string): Promise<V1Namespace | undefined> {
    return found(this.#api(CoreV1Api).readNamespace({ name }));
  }

  /** @returns the data of a Secret, decoded, or undefined where there is none */
  async secretData(namespace: string, name: string): Promise<Readonly<Record<string, string>> | undefined> {
    const secret = await found(this.#api(CoreV1Api).readNamespacedSecret({ namespace, name }));
    return secret && decode(secret.data);
  }

  deployment(namespace: string, name: string): Promise<V1Deployment | undefined> {
    return found(this.#api(AppsV1Api).readNamespacedDeployment({ namespace, name }));
  }

  async pods(namespace: string, labelSelector: string): Promise<V1Pod[]> {
    return (await this.#api(CoreV1Api).listNamespacedPod({ namespace, labelSelector })).items;
  }

  async events(namespace: string): Promise<CoreV1Event[]> {
    return (await this.#api(CoreV1Api).listNamespacedEvent({ namespace })).items;
  }

  /** Objects that a runner makes for a job besides its pod. */
  async jobObjects(namespace: string): Promise<(V1Secret | V1ConfigMap | V1Service)[]> {
    const api = this.#api(CoreV1Api);
    const lists = await Promise.all([
      api.listNamespacedSecret({ namespace }),
      api.listNamespacedConfigMap({ namespace }),
      api.listNamespacedService({ namespace }),
    ]);
    const kinds = ["Secret", "ConfigMap", "Service"];
    // Items of a list have no kind.
    return lists.flatMap(({ items }, index) => items.map((item) => Object.assign(item, { kind: kinds[index] })));
  }

  /** Deletes an object of the core API; a missing one counts as deleted. */
  async delete(namespace: string, kind: string, name: string): Promise<void> {
    const object = { apiVersion: "v1", kind, metadata: { namespace, name } };
    await found(within(KubernetesObjectApi.makeApiClient(this.#config).delete(object)));
  }

  /**
   * Asks the server, in a dry run, how applying an object again would change the existing one.
   * @returns both, or undefined where there is none
   * @throws an error of status 403 when the caller may not change it
   */
  async tryApply(object: KubernetesObject): Promise<{ readonly live: object; readonly applied: object } | undefined> {
    const client = KubernetesObjectApi.makeApiClient(this.#config);
    const { apiVersion, kind, metadata } = object;
    const key = { apiVersion, kind, metadata: { namespace: metadata?.namespace ?? "", name: metadata?.name ?? "" } };
    const live = await found(within(client.read(key)));
    // Only the server's own types know how to merge lists: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
    const isBuiltIn = /^([a-z]+\/|[a-z.]+\.k8s\.io\/)?v[0-9a-z]+$/.test(apiVersion ?? "");
    const strategy = isBuiltIn ? PatchStrategy.StrategicMergePatch : PatchStrategy.MergePatch;
    return (
      live && { live, applied: await within(client.patch(object, undefined, "All", "doctor", undefined, strategy)) }
    );
  }

  /** @returns whether the caller may do this in a namespace */
  async mayI(namespace: string, { group, resource, verb }: Right): Promise<boolean> {
    const body = model<V1SelfSubjectAccessReview>({
      spec: { resourceAttributes: { namespace, group, resource, verb } },
    });
    const review = await this.#api(AuthorizationV1Api).createSelfSubjectAccessReview({ body });
    return review.status?.allowed === true;
  }

  /** @returns the last lines of a container's log, or of its previous run's */
  log(pod: { namespace: string; name: string }, container: string, previous: boolean): Promise<string> {
    return this.#api(CoreV1Api).readNamespacedPodLog({ ...pod, container, previous, tailLines: 10 });
  }

  async hasAccount(namespace: string, name: string): Promise<boolean> {
    return (await found(this.#api(CoreV1Api).readNamespacedServiceAccount({ namespace, name }))) !== undefined;
  }

  async hasMutatingWebhook(name: string): Promise<boolean> {
    const api = this.#api(AdmissionregistrationV1Api);
    return (await found(api.readMutatingWebhookConfiguration({ name }))) !== undefined;
  }

  /** @returns the newest revision of a Helm release, or undefined if there is none */
  async helmRelease(namespace: string, name: string): Promise<HelmRelease | undefined> {
    const labelSelector = `owner=helm,name=${name}`;
    const { items } = await this.#api(CoreV1Api).listNamespacedSecret({ namespace, labelSelector });
    const revision = ({ metadata }: V1Secret) => Number(metadata?.labels?.["version"]);
    const newest = items.toSorted((a, b) => revision(b) - revision(a))[0];
    if (newest === undefined) {
      return undefined;
    }
    // JSON, zipped, as base64: https://helm.sh/docs/topics/advanced/#storage-backends
    const record = gunzipSync(Buffer.from(decode(newest.data)["release"] ?? "", "base64")).toString();
    const { chart, config, manifest } = helmRecord.parse(JSON.parse(record));
    const was = (...statuses: readonly string[]) =>
      items.filter(({ metadata }) => statuses.includes(metadata?.labels?.["status"] ?? "")).map(revision);
    return {
      status: newest.metadata?.labels?.["status"] ?? "unknown",
      chartVersion: chart.metadata.version,
      revision: revision(newest),
      lastDeployed: [was("deployed"), was("superseded")].find((list) => list.length > 0)?.sort((a, b) => b - a)[0],
      tokenSecret: config?.runners?.secret,
      manifest,
    };
  }

  /**
   * Asks as the account itself, by impersonation: no token is created for it.
   * @throws an error of status 403 when the caller may not impersonate it
   */
  async accountMay(account: { namespace: string; name: string }, namespace: string, right: Right): Promise<boolean> {
    return (await this.whyAccountMay(account, namespace, right)) !== undefined;
  }

  /**
   * Asks as {@link accountMay} does.
   * @returns the cluster's reason for allowing it, empty if it gives none; undefined if the
   * account is not allowed to
   */
  async whyAccountMay(
    account: { namespace: string; name: string },
    namespace: string,
    right: Right,
  ): Promise<string | undefined> {
    const [resource = "", subresource] = right.resource.split("/");
    const resourceAttributes = {
      namespace,
      group: right.group,
      resource,
      verb: right.verb,
      ...(subresource === undefined ? {} : { subresource }),
    };
    const body = model<V1SelfSubjectAccessReview>({ spec: { resourceAttributes } });
    const review = await this.#as(account).createSelfSubjectAccessReview({ body });
    return review.status?.allowed === true ? (review.status.reason ?? "") : undefined;
  }

  /** @returns all rules for the account in a namespace, by impersonation like {@link accountMay} */
  async accountRules(account: { namespace: string; name: string }, namespace: string): Promise<V1ResourceRule[]> {
    const body = model<V1SelfSubjectRulesReview>({ spec: { namespace } });
    const review = await this.#as(account).createSelfSubjectRulesReview({ body });
    return review.status?.resourceRules ?? [];
  }

  #as({ namespace, name }: { namespace: string; name: string }): AuthorizationV1Api {
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: this.#config.getClusters(),
      contexts: this.#config.getContexts(),
      currentContext: this.#config.getCurrentContext(),
      users: this.#config.getUsers().map((user) => ({
        ...user,
        impersonateUser: `system:serviceaccount:${namespace}:${name}`,
      })),
    });
    return this.#api(AuthorizationV1Api, config);
  }

  #api<Api>(type: ApiClass<Api>, config = this.#config): Api {
    const configuration = createConfiguration({
      baseServer: new ServerConfiguration(config.getCurrentCluster()?.server ?? "", {}),
      authMethods: { default: config },
      promiseMiddleware: [
        {
          pre: (request) => {
            request.setSignal(AbortSignal.timeout(callLimit));
            return Promise.resolve(request);
          },
          post: (response) => Promise.resolve(response),
        },
      ],
    });
    return new type(configuration);
  }
}

function decode(data: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
}

/** @returns the object, or undefined if the server has none */
async function found<Result>(call: Promise<Result>): Promise<Result | undefined> {
  try {
    return await call;
  } catch (error) {
    if (httpStatus(error) === 404) {
      return undefined;
    }
    throw error;
  }
}
