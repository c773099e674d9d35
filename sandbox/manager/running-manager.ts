import type { KubeConfig } from "@kubernetes/client-node";
import type { MountedPod } from "./mounted-pod.ts";

/** What a manager is started with. */
export interface ManagerOptions {
  readonly mounted: MountedPod;
  /** The cluster's address and authorities are taken from it; its user is only for what a kubelet does. */
  readonly kubeconfig: KubeConfig;
  /** The sandbox's state folder. */
  readonly stateDir: string;
  /** The `kubectl` program. */
  readonly kubectl: string;
  /** Takes what happens, line by line; never a secret. */
  readonly log: (line: string) => void;
}

/** A manager that runs. */
export interface RunningManager {
  /** Takes no more jobs, waits for those that run as long as `limitMs` says, ends them, and resolves once it has ended. */
  stop(limitMs: number): Promise<void>;
}
