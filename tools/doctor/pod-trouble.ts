import type { V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import { minuteLength, moment } from "./times.ts";

/** Why a pod is not ready. */
export interface PodTrouble {
  readonly pod: string;
  readonly reason: string;
  /** The log with details; undefined if nothing has run. */
  readonly log: { readonly container: string; readonly previous: boolean } | undefined;
  /** @returns what to do, given the pod's namespace */
  readonly todo: (namespace: string) => string;
}

/** @returns whether Kubernetes calls the pod ready */
export function isReady({ metadata, status }: V1Pod): boolean {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return ready?.status === "True" && metadata?.deletionTimestamp === undefined;
}

/** Number of restarts within an hour that is worth a warning, even if the pod is ready again. */
const manyRestarts = 3;

/** @returns a warning for a pod that is ready but has restarted several times, the last time within an hour */
export function recentCrash({ metadata, status }: V1Pod, now: Date): string | undefined {
  const crashed = status?.containerStatuses?.find(
    ({ restartCount, lastState }) =>
      restartCount >= manyRestarts &&
      now.getTime() - (lastState?.terminated?.finishedAt?.getTime() ?? 0) < 60 * minuteLength,
  );
  const ended = crashed?.lastState?.terminated;
  return (
    crashed &&
    `Pod ${metadata?.name ?? ""}: ${crashed.name} has restarted ${crashed.restartCount} times; it last ended at ` +
      `${moment(ended?.finishedAt ?? now, now)}, with ${ending(crashed)}.`
  );
}

/** @returns why a pod is not ready */
export function podTrouble(pod: V1Pod): PodTrouble {
  const { metadata, status } = pod;
  const name = metadata?.name ?? "";
  const describe = (namespace: string) => `kubectl --namespace ${namespace} describe pod ${name}`;
  const scheduled = status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False") {
    return {
      pod: name,
      reason: `no node accepts it: ${scheduled.message ?? scheduled.reason ?? "no reason is given"}`,
      log: undefined,
      todo: () =>
        "Compare manager.nodeSelector, tolerations and resources with the nodes:\n" +
        "kubectl get nodes --show-labels    (and: kubectl describe nodes)",
    };
  }
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const stuck = containers.find(
    (container) =>
      container.state?.waiting?.reason !== undefined && container.state.waiting.reason !== "PodInitializing",
  );
  const failed = stuck ?? containers.find(({ ready, state }) => !ready && state?.waiting === undefined);
  if (failed === undefined) {
    const waits = status?.conditions?.find(({ type }) => type === "Ready")?.message;
    return { pod: name, reason: waits ?? `it is ${status?.phase ?? "unknown"}`, log: undefined, todo: describe };
  }
  const waiting = failed.state?.waiting;
  const hasRun =
    failed.restartCount > 0 || failed.state?.running !== undefined || failed.state?.terminated !== undefined;
  const log = hasRun
    ? {
        container: failed.name,
        previous: failed.state?.running === undefined && failed.state?.terminated === undefined,
      }
    : undefined;
  if (waiting !== undefined && /Image/.test(waiting.reason ?? "")) {
    return {
      pod: name,
      reason: `${failed.name}: ${waiting.reason ?? ""}${waiting.message === undefined ? "" : `: ${waiting.message}`}`,
      log: undefined,
      todo: (namespace) =>
        `Check that the image ${failed.image} exists and that the node can pull it:\n${describe(namespace)}`,
    };
  }
  const isOutOfMemory = lastEnd(failed)?.reason === "OOMKilled";
  const reason = [
    waiting?.reason,
    waiting?.message,
    hasRun && lastEnd(failed) ? `it ended with ${ending(failed)}` : undefined,
  ]
    .filter((part) => part !== undefined)
    .join(": ");
  return {
    pod: name,
    reason: `${failed.name}: ${reason === "" ? "it runs, but is not ready yet" : reason}`,
    log,
    todo: (namespace) =>
      isOutOfMemory
        ? "pulumi config set --path manager.resources.limits.memory 512Mi"
        : hasRun
          ? `kubectl --namespace ${namespace} logs ${name} --container ${failed.name}${log?.previous === true ? " --previous" : ""}`
          : describe(namespace),
  };
}

function lastEnd({ state, lastState }: V1ContainerStatus) {
  return state?.terminated ?? lastState?.terminated;
}

function ending(container: V1ContainerStatus): string {
  const end = lastEnd(container);
  return `exit code ${end?.exitCode ?? "?"}${end?.reason === undefined ? "" : ` (${end.reason})`}`;
}
