import { setTimeout as sleep } from "node:timers/promises";
import { AuthorizationV1Api, CoreV1Api, KubeConfig, V1SubjectAccessReview } from "@kubernetes/client-node";
import { kubeconfigFile } from "../../sandbox/cluster.ts";
import { SandboxFolder } from "../../sandbox/state.ts";
import type { SandboxUnderTest } from "./sandbox-under-test.ts";

/** What a {@link PollingWatch} has seen. */
export interface Polling {
  /** How often it has looked. */
  readonly looks: number;
  /** The longest time between the beginnings of two looks, in milliseconds. */
  readonly longestGap: number;
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
  #isOver = false;
  readonly #looking: Promise<{ looks: number; longestGap: number }>;

  constructor(sandbox: SandboxUnderTest) {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfigFile(new SandboxFolder(sandbox.path)));
    this.#core = config.makeApiClient(CoreV1Api);
    this.#authorization = config.makeApiClient(AuthorizationV1Api);
    this.#looking = this.#look();
  }

  /** Ends it. */
  async end(): Promise<Polling> {
    this.#isOver = true;
    const { looks, longestGap } = await this.#looking;
    return { looks, longestGap, pods: [...this.#pods], gaps: this.#gaps };
  }

  /** Begins a look every 100 ms, whether or not the one before has ended. */
  async #look(): Promise<{ looks: number; longestGap: number }> {
    const looks: Promise<void>[] = [];
    let longestGap = 0;
    let last = performance.now();
    while (!this.#isOver) {
      looks.push(this.#lookOnce());
      await sleep(100);
      const now = performance.now();
      longestGap = Math.max(longestGap, now - last);
      last = now;
    }
    await Promise.all(looks);
    return { looks: looks.length, longestGap };
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
