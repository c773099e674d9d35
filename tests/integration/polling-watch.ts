import { AuthorizationV1Api, CoreV1Api, KubeConfig, V1SubjectAccessReview } from "@kubernetes/client-node";
import { kubeconfigFile } from "../../sandbox/cluster.ts";
import { SandboxFolder } from "../../sandbox/sandbox-folder.ts";
import { Looking, type Looks } from "./looking.ts";
import type { SandboxUnderTest } from "./sandbox-under-test.ts";

/** What a {@link PollingWatch} has seen. */
export interface Polling extends Looks {
  /** Names of the pods that were ready, in the order in which they were first seen. */
  readonly pods: readonly string[];
  /** When no manager could work, and what it lacked. */
  readonly gaps: readonly string[];
}

const namespace = "gitlab-runner";

/** Looks, ten times a second, whether a pod of the manager is ready that may start job pods. */
export class PollingWatch {
  readonly #core: CoreV1Api;
  readonly #authorization: AuthorizationV1Api;
  readonly #gaps: string[] = [];
  readonly #pods = new Set<string>();
  readonly #looking: Looking;

  constructor(sandbox: SandboxUnderTest) {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfigFile(new SandboxFolder(sandbox.path)));
    this.#core = config.makeApiClient(CoreV1Api);
    this.#authorization = config.makeApiClient(AuthorizationV1Api);
    this.#looking = new Looking(() => this.#lookOnce(), 100);
  }

  /** Ends it. */
  async end(): Promise<Polling> {
    return { ...(await this.#looking.end()), pods: [...this.#pods], gaps: this.#gaps };
  }

  async #lookOnce(): Promise<void> {
    const missing = await this.#missing();
    if (missing !== undefined) {
      this.#gaps.push(`${new Date().toISOString()} ${missing}`);
    }
  }

  async #missing(): Promise<string | undefined> {
    const { items } = await this.#core.listNamespacedPod({ namespace, labelSelector: "app=gitlab-runner" });
    const ready = items.filter(
      ({ metadata, status }) =>
        metadata?.deletionTimestamp === undefined &&
        (status?.conditions ?? []).some((condition) => condition.type === "Ready" && condition.status === "True"),
    );
    if (ready.length === 0) {
      return "no pod of the manager is ready";
    }
    ready.forEach(({ metadata }) => this.#pods.add(metadata?.name ?? ""));
    const accounts = new Set(ready.map(({ spec }) => spec?.serviceAccountName ?? "default"));
    const allowed = await Promise.all([...accounts].map((account) => this.#mayStartPods(account)));
    return allowed.includes(true) ? undefined : "no pod of the manager may start job pods";
  }

  async #mayStartPods(account: string): Promise<boolean> {
    const { items } = await this.#core.listNamespacedServiceAccount({ namespace });
    const body = Object.assign(new V1SubjectAccessReview(), {
      spec: {
        user: `system:serviceaccount:${namespace}:${account}`,
        resourceAttributes: { namespace, resource: "pods", verb: "create" },
      },
    });
    const { status } = await this.#authorization.createSubjectAccessReview({ body });
    return items.some(({ metadata }) => metadata?.name === account) && status?.allowed === true;
  }
}
