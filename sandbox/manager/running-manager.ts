import type { KubeConfig } from "@kubernetes/client-node";
import type { MountedPod } from "./mounted-pod.ts";

/** Options for starting a manager. */
export interface ManagerOptions {
  readonly mounted: MountedPod;
  /** Its cluster's address and CA are used; its user only for what a kubelet does. */
  readonly kubeconfig: KubeConfig;
  /** The sandbox's state folder. */
  readonly stateDir: string;
  /** The `kubectl` program. */
  readonly kubectl: string;
  /** Receives log lines; never a secret. */
  readonly log: (line: string) => void;
}

/** A running manager. */
export interface RunningManager {
  /** Takes no more jobs, waits up to `limitMs` for the running ones, cancels the rest, and resolves once it has ended. */
  stop(limitMs: number): Promise<void>;
}
