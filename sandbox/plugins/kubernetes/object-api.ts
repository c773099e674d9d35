import { KubernetesObjectApi, V1ObjectMeta } from "@kubernetes/client-node";
import type { KubeConfig, RequestContext } from "@kubernetes/client-node";
import { asText, isRecord } from "../property-values.ts";
import { KubernetesError } from "./kubernetes-error.ts";

/** An object of Kubernetes as JSON. */
export type KubernetesJson = Readonly<Record<string, unknown>>;

/** What names an object. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Undefined for what is in no namespace. */
  readonly namespace: string | undefined;
}

type Action = Parameters<KubernetesObjectApi["specUriPath"]>[1];

/** Who manages the fields that Pulumi sets, in the API server's books. */
const fieldManager = "pulumi-kubernetes";

/** Server-side apply does not take over what another manager has set, unless told to. */
const conflictHint =
  'To take over fields that another has set, add the annotation pulumi.com/patchForce: "true" to the object, ' +
  "or set PULUMI_K8S_ENABLE_PATCH_FORCE=true.";

/**
 * Reads, applies and deletes objects of any type. The client library knows the way to the server and to the object; the
 * objects themselves pass as they are, since the library's own types leave out what they do not know.
 */
export class ObjectApi extends KubernetesObjectApi {
  #server = "";
  /** Namespace of what names none. */
  #namespace = "default";

  /** @param namespace of what names none. @defaultValue that of the kubeconfig's context, else `default` */
  static connect(kubeconfig: KubeConfig, namespace: string | undefined): ObjectApi {
    const api = kubeconfig.makeApiClient(ObjectApi);
    api.#server = kubeconfig.getCurrentCluster()?.server ?? "";
    api.#namespace = namespace ?? kubeconfig.getContextObject(kubeconfig.currentContext)?.namespace ?? "default";
    api.setDefaultNamespace(kubeconfig);
    return api;
  }

  /** @returns the namespace for an object that names none; undefined for a type that is in no namespace */
  async defaultNamespaceOf(apiVersion: string, kind: string): Promise<string | undefined> {
    const resource = await this.#named("look up its type", () => this.resource(apiVersion, kind));
    return resource?.namespaced === false ? undefined : this.#namespace;
  }

  /** @returns the object, or undefined where there is none */
  async find(reference: ObjectReference, signal: AbortSignal): Promise<KubernetesJson | undefined> {
    try {
      return await this.#send("GET", "read", reference, signal);
    } catch (error) {
      if (error instanceof KubernetesError && error.status === 404) {
        return undefined;
      }
      throw error;
    }
  }

  /**
   * Makes the object what it is to be, by server-side apply.
   *
   * @param options.force take over fields that others manage
   * @returns the object as the server has it then
   */
  apply(
    object: KubernetesJson,
    reference: ObjectReference,
    options: { readonly dryRun: boolean; readonly force: boolean },
    signal: AbortSignal,
  ): Promise<KubernetesJson> {
    const query = { fieldManager, force: String(options.force), ...(options.dryRun ? { dryRun: "All" } : {}) };
    return this.#send("PATCH", "patch", reference, signal, query, object);
  }

  /** Has the object deleted once what it owns is; returns at once. */
  async remove(reference: ObjectReference, propagation: string, signal: AbortSignal): Promise<void> {
    await this.#send("DELETE", "delete", reference, signal, { propagationPolicy: propagation });
  }

  /** @returns the objects of a type in a namespace */
  async listIn(apiVersion: string, kind: string, namespace: string, signal: AbortSignal): Promise<KubernetesJson[]> {
    const { items } = await this.#send("GET", "list", { apiVersion, kind, namespace, name: "" }, signal);
    return Array.isArray(items) ? items.filter(isRecord) : [];
  }

  async #send(
    method: "GET" | "PATCH" | "DELETE",
    action: Action,
    { apiVersion, kind, name, namespace }: ObjectReference,
    signal: AbortSignal,
    query: Readonly<Record<string, string>> = {},
    body?: KubernetesJson,
  ): Promise<KubernetesJson> {
    return this.#named(
      `${action} ${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`,
      async () => {
        const metadata = Object.assign(new V1ObjectMeta(), { name }, namespace === undefined ? {} : { namespace });
        const path = await this.specUriPath({ apiVersion, kind, metadata }, action);
        const request = this.configuration.baseServer.makeRequestContext(path, method);
        request.setHeaderParam("Accept", "application/json");
        for (const [key, value] of Object.entries(query)) {
          request.setQueryParam(key, value);
        }
        if (body !== undefined) {
          request.setHeaderParam("Content-Type", "application/apply-patch+yaml");
          request.setBody(JSON.stringify(body));
        }
        request.setSignal(signal);
        const { status, answer } = await this.#exchange(request);
        if (status < 200 || status > 299) {
          const message = asText(answer.message) ?? `HTTP status ${status}`;
          throw new KubernetesError(
            status === 409 && method === "PATCH" ? `${message}\n${conflictHint}` : message,
            status,
          );
        }
        return answer;
      },
      signal,
    );
  }

  async #exchange(request: RequestContext): Promise<{ readonly status: number; readonly answer: KubernetesJson }> {
    await this.configuration.authMethods.default?.applySecurityAuthentication(request);
    const response = await this.configuration.httpApi.send(request).toPromise();
    const text = await response.body.text();
    try {
      return { status: response.httpStatusCode, answer: JSON.parse(text) as KubernetesJson };
    } catch {
      return { status: response.httpStatusCode, answer: { message: text.slice(0, 1000) } };
    }
  }

  async #named<Result>(what: string, call: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof KubernetesError) {
        throw new KubernetesError(`kubernetes: could not ${what}: ${error.message}`, error.status);
      }
      const { code, message, cause } = error as Error & { code?: unknown };
      if (typeof code === "number") {
        throw new KubernetesError(
          `kubernetes: could not ${what}: the server at ${this.#server} answered ${code}`,
          code,
        );
      }
      if (message.startsWith("Unrecognized API version and kind")) {
        throw new KubernetesError(
          `kubernetes: could not ${what}: the cluster at ${this.#server} has no such type; is its CustomResourceDefinition installed?`,
          404,
        );
      }
      const reason = signal?.aborted ? "cancelled or out of time" : (reasonOf(cause) ?? message);
      throw new KubernetesError(
        `kubernetes: could not ${what}: no answer from the cluster at ${this.#server}: ${reason}`,
        undefined,
      );
    }
  }
}

/** `fetch` hides the reason of a failed connection in its error's cause. */
function reasonOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) {
    return undefined;
  }
  return cause.message || asText((cause as { code?: unknown }).code);
}
