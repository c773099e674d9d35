import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CoreV1Api, KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { builtinVersion, startBuiltinManager, type RunningManager } from "./builtin-manager.ts";
import { findManagerPod, mountPod } from "./mounted-pod.ts";
import { realRunnerVersion, startRealRunner } from "./real-runner.ts";

/** What {@link startRunnerManager} needs. */
export interface RunnerManagerOptions {
  /** File with a kubeconfig that may read the manager pod and its Secrets, and mint tokens of its account. */
  readonly kubeconfig: string;
  /** Namespace of the Helm release. */
  readonly namespace: string;
  /** Name of the Helm release. */
  readonly release: string;
  /** The sandbox's state folder; the manager uses `manager` in it, and the job folder. */
  readonly stateDir: string;
  /** Takes what happens, line by line; never a secret. */
  readonly log: (line: string) => void;
  /** The `gitlab-runner` program. @defaultValue none: the built-in manager runs the jobs */
  readonly binary?: string | undefined;
  /** Seconds between two requests for jobs. @defaultValue `check_interval` of the mounted configuration */
  readonly checkIntervalSeconds?: number | undefined;
  /** How long to wait for a running manager pod, in milliseconds. @defaultValue 60000 */
  readonly podTimeoutMs?: number | undefined;
}

/** The process that does what the simulated manager pod only claims to do. */
export interface RunnerManager {
  readonly kind: "gitlab-runner" | "built-in";
  readonly version: string;
  /** Takes no more jobs, waits for the running ones up to a limit in milliseconds (30,000), and ends. */
  stop(limitMs?: number): Promise<void>;
}

const podPollMs = 2_000;

/**
 * Runs the runner manager with all that is mounted in the deployed manager pod, and nothing else. When that pod is
 * replaced, as after a rotation, so is this one: the old one finishes its jobs, the new one reads everything anew.
 * Rejects if no manager pod runs in time, if a mount is missing, or if GitLab refuses the token.
 */
export async function startRunnerManager(options: RunnerManagerOptions): Promise<RunnerManager> {
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromFile(options.kubeconfig);
  const version = options.binary === undefined ? builtinVersion : await realRunnerVersion(options.binary);
  const folder = join(options.stateDir, "manager");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);

  const supervisor = new Supervisor(options, kubeconfig, folder);
  try {
    await supervisor.start();
  } catch (error) {
    await supervisor.stop(0);
    throw error;
  }
  return {
    kind: options.binary === undefined ? "built-in" : "gitlab-runner",
    version,
    stop: (limitMs = 30_000) => supervisor.stop(limitMs),
  };
}

class Supervisor {
  readonly #options: RunnerManagerOptions;
  readonly #kubeconfig: KubeConfig;
  readonly #folder: string;
  readonly #stopped = new AbortController();
  #pod: V1Pod | undefined;
  #manager: RunningManager | undefined;
  #watching: Promise<void> | undefined;
  readonly #retiring = new Map<RunningManager, Promise<void>>();

  constructor(options: RunnerManagerOptions, kubeconfig: KubeConfig, folder: string) {
    this.#options = options;
    this.#kubeconfig = kubeconfig;
    this.#folder = folder;
  }

  async start(): Promise<void> {
    const { namespace, release, podTimeoutMs = 60_000 } = this.#options;
    const deadline = Date.now() + podTimeoutMs;
    let pod = await findManagerPod(this.#kubeconfig, namespace, release);
    while (pod === undefined) {
      if (Date.now() >= deadline) {
        throw new Error(`no manager pod of release ${release} runs in namespace ${namespace}`);
      }
      await sleep(500);
      pod = await findManagerPod(this.#kubeconfig, namespace, release);
    }
    await this.#startFor(pod);
    this.#watching = this.#watch();
  }

  async stop(limitMs: number): Promise<void> {
    this.#stopped.abort();
    await this.#watching;
    const managers = [...this.#retiring.keys(), ...(this.#manager === undefined ? [] : [this.#manager])];
    await Promise.all(managers.map((manager) => manager.stop(limitMs)));
    await Promise.all(this.#retiring.values());
    this.#manager = undefined;
    // It held the runner's token and the cache keys.
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #startFor(pod: V1Pod): Promise<void> {
    const { stateDir, binary, log, checkIntervalSeconds } = this.#options;
    const root = join(this.#folder, pod.metadata?.name ?? "pod");
    const mounted = await mountPod(this.#kubeconfig, pod, root);
    log(`manager pod ${pod.metadata?.name ?? ""}: its files are mounted`);
    const common = { mounted, kubeconfig: this.#kubeconfig, stateDir, checkIntervalSeconds, log };
    this.#manager =
      binary === undefined ? await startBuiltinManager(common) : await startRealRunner({ ...common, binary });
    this.#pod = pod;
  }

  /** Follows the Deployment: as long as a pod exists, its manager runs. */
  async #watch(): Promise<void> {
    const { namespace, release, log } = this.#options;
    const { signal } = this.#stopped;
    let said = "";
    for (;;) {
      const stopped = await sleep(podPollMs, false, { signal }).catch(() => true);
      if (stopped) {
        return;
      }
      try {
        if (this.#pod !== undefined && !(await this.#isThere(this.#pod))) {
          this.#retire(this.#pod);
        }
        if (this.#pod !== undefined) {
          continue;
        }
        const pod = await findManagerPod(this.#kubeconfig, namespace, release);
        if (pod !== undefined) {
          await this.#startFor(pod);
        }
        said = "";
      } catch (error) {
        const text = error instanceof Error ? error.message : "unknown error";
        if (text !== said) {
          log((said = text));
        }
      }
    }
  }

  async #isThere(pod: V1Pod): Promise<boolean> {
    const { metadata } = pod;
    const { items } = await this.#kubeconfig.makeApiClient(CoreV1Api).listNamespacedPod({
      namespace: metadata?.namespace ?? "",
      fieldSelector: `metadata.name=${metadata?.name ?? ""}`,
    });
    return items.some((item) => item.metadata?.uid === metadata?.uid && item.metadata?.deletionTimestamp === undefined);
  }

  /** Lets the manager of a pod that is gone finish its jobs, as the pod's grace period would. */
  #retire(pod: V1Pod): void {
    const manager = this.#manager;
    const name = pod.metadata?.name ?? "pod";
    this.#options.log(`manager pod ${name} is gone: its manager takes no more jobs`);
    this.#manager = undefined;
    this.#pod = undefined;
    if (manager === undefined) {
      return;
    }
    const retire = async () => {
      await manager.stop((pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000);
      await rm(join(this.#folder, name), { recursive: true, force: true });
      this.#retiring.delete(manager);
    };
    this.#retiring.set(manager, retire());
  }
}
