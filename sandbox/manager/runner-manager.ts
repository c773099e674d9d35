import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CoreV1Api, KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { findManagerPod, mountPod } from "./mounted-pod.ts";
import { realRunnerVersion, startRealRunner } from "./real-runner.ts";
import type { RunningManager } from "./running-manager.ts";
import { startStandInManager } from "./stand-in-manager.ts";

/** Inputs of {@link startRunnerManager}. */
export interface RunnerManagerOptions {
  /** File with a kubeconfig that may read the manager pod and its Secrets, and create tokens of its account. */
  readonly kubeconfig: string;
  /** Namespace of the Helm release. */
  readonly namespace: string;
  /** Name of the Helm release. */
  readonly release: string;
  /** The sandbox's state folder; the manager uses `manager` in it, and the job folder. */
  readonly stateDir: string;
  /** Receives log lines; never a secret. */
  readonly log: (line: string) => void;
  /** The `kubectl` program. */
  readonly kubectl: string;
  /** The `gitlab-runner` program. @defaultValue none: the stand-in runs the jobs */
  readonly binary?: string | undefined;
}

/** The process that does the work of the simulated manager pod. */
export interface RunnerManager {
  /** Version of the real `gitlab-runner`; undefined for the stand-in. */
  readonly version: string | undefined;
  /** Takes no more jobs, waits for the running ones up to 30 seconds, and ends. */
  stop(): Promise<void>;
}

const podTimeoutMs = 60_000;
const podPollMs = 2_000;
const stopLimitMs = 30_000;

/**
 * Runs the runner manager with exactly what is mounted in the deployed manager pod. When that pod is replaced, such as after
 * a rotation, so is this process: the old one finishes its jobs, the new one reads everything again.
 * Rejects if no manager pod runs within a minute, if a mount is missing, or if GitLab refuses the token.
 */
export async function startRunnerManager(options: RunnerManagerOptions): Promise<RunnerManager> {
  const version = options.binary === undefined ? undefined : await realRunnerVersion(options.binary);
  const folder = join(options.stateDir, "manager");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const supervisor = new Supervisor(options, folder);
  try {
    await supervisor.start();
  } catch (error) {
    await supervisor.stop(0);
    throw error;
  }
  return { version, stop: () => supervisor.stop(stopLimitMs) };
}

interface Current {
  readonly pod: V1Pod;
  readonly manager: RunningManager;
}

/** Follows the Deployment: while a pod exists, its manager runs. */
class Supervisor {
  readonly #options: RunnerManagerOptions;
  readonly #kubeconfig = new KubeConfig();
  readonly #folder: string;
  readonly #stopped = new AbortController();
  readonly #retiring = new Map<RunningManager, Promise<void>>();
  #current: Current | undefined;
  #watching: Promise<void> | undefined;

  constructor(options: RunnerManagerOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#kubeconfig.loadFromFile(options.kubeconfig);
  }

  async start(): Promise<void> {
    const { namespace, release } = this.#options;
    const deadline = Date.now() + podTimeoutMs;
    while ((this.#current = await this.#startForPod()) === undefined) {
      if (Date.now() >= deadline) {
        throw new Error(`no manager pod of release ${release} runs in namespace ${namespace}`);
      }
      await sleep(500);
    }
    this.#watching = this.#watch();
  }

  async stop(limitMs: number): Promise<void> {
    this.#stopped.abort();
    await this.#watching;
    const managers = [...this.#retiring.keys(), ...(this.#current === undefined ? [] : [this.#current.manager])];
    await Promise.all(managers.map((manager) => manager.stop(limitMs)));
    await Promise.all(this.#retiring.values());
    // It contained the runner's token and the cache keys.
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #startForPod(): Promise<Current | undefined> {
    const { namespace, release, stateDir, kubectl, binary, log } = this.#options;
    const pod = await findManagerPod(this.#kubeconfig, namespace, release);
    if (pod === undefined) {
      return undefined;
    }
    const name = pod.metadata?.name ?? "pod";
    const mounted = await mountPod(this.#kubeconfig, pod, join(this.#folder, name));
    log(`manager pod ${name}: its files are mounted`);
    const common = { mounted, kubeconfig: this.#kubeconfig, stateDir, kubectl, log };
    const manager = await (binary === undefined ? startStandInManager(common) : startRealRunner({ ...common, binary }));
    return { pod, manager };
  }

  async #watch(): Promise<void> {
    const { log } = this.#options;
    const { signal } = this.#stopped;
    let said = "";
    for (;;) {
      const isStopped = await sleep(podPollMs, false, { signal }).catch(() => true);
      if (isStopped) {
        return;
      }
      try {
        if (this.#current !== undefined && !(await this.#isThere(this.#current.pod))) {
          this.#retire(this.#current);
        }
        this.#current ??= await this.#startForPod();
        said = "";
      } catch (error) {
        const text = error instanceof Error ? error.message : "unknown error";
        if (text !== said) {
          log((said = text));
        }
      }
    }
  }

  async #isThere({ metadata }: V1Pod): Promise<boolean> {
    const { items } = await this.#kubeconfig.makeApiClient(CoreV1Api).listNamespacedPod({
      namespace: metadata?.namespace ?? "",
      fieldSelector: `metadata.name=${metadata?.name ?? ""}`,
    });
    return items.some((item) => item.metadata?.uid === metadata?.uid && item.metadata?.deletionTimestamp === undefined);
  }

  /** Lets the manager of a deleted pod finish its jobs, as during the pod's grace period. */
  #retire({ pod, manager }: Current): void {
    const name = pod.metadata?.name ?? "pod";
    this.#options.log(`manager pod ${name} is gone: its manager takes no more jobs`);
    this.#current = undefined;
    const retire = async () => {
      await manager.stop((pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000);
      await rm(join(this.#folder, name), { recursive: true, force: true });
      this.#retiring.delete(manager);
    };
    this.#retiring.set(manager, retire());
  }
}
