import { setTimeout as sleep } from "node:timers/promises";
import { asText, isRecord } from "../property-values.ts";
import type { Operation } from "../resource-handler.ts";
import type { KubernetesJson, ObjectApi, ObjectReference } from "./object-api.ts";

const defaultTimeoutSeconds = 600;
const firstPauseMilliseconds = 100;
const longestPauseMilliseconds = 2000;

/**
 * Deletes an object, and waits until it is gone; one that is gone already is no error.
 * @throws Error saying what it still waits for when the time is over
 */
export async function deleteObject(
  api: ObjectApi,
  reference: ObjectReference,
  propagation: string,
  { signal, timeoutSeconds }: Operation,
): Promise<void> {
  const before = await api.find(reference, signal);
  if (before === undefined) {
    return;
  }
  await api.remove(reference, propagation, signal);

  const limit = timeoutSeconds > 0 ? timeoutSeconds : defaultTimeoutSeconds;
  const deadline = AbortSignal.timeout(limit * 1000);
  let pause = firstPauseMilliseconds;
  let live: KubernetesJson | undefined = before;
  while (!(signal.aborted || deadline.aborted)) {
    live = await api.find(reference, AbortSignal.any([signal, deadline])).catch((error: unknown) => {
      if (signal.aborted || deadline.aborted) {
        return live;
      }
      throw error;
    });
    // Another object of this name is not the one that is being deleted.
    if (live === undefined || uid(live) !== uid(before)) {
      return;
    }
    await sleep(pause, undefined, { signal: AbortSignal.any([signal, deadline]) }).catch(() => undefined);
    pause = Math.min(pause * 2, longestPauseMilliseconds);
  }
  const { kind, namespace, name } = reference;
  throw new Error(
    `kubernetes: ${kind} ${namespace === undefined ? "" : `${namespace}/`}${name} is being deleted, but was not gone after ` +
      `${limit} seconds${reasons(live)}`,
  );
}

function uid(object: KubernetesJson): unknown {
  return isRecord(object.metadata) ? object.metadata.uid : undefined;
}

/** A namespace says what is left in it, and finalizers hold everything else. */
function reasons(object: KubernetesJson | undefined): string {
  const status = isRecord(object?.status) ? object.status : {};
  const conditions = Array.isArray(status.conditions) ? status.conditions.filter(isRecord) : [];
  const remaining = conditions
    .filter((condition) => condition.status === "True")
    .map((condition) => asText(condition.message) ?? "");
  const metadata = isRecord(object?.metadata) ? object.metadata : {};
  const finalizers = Array.isArray(metadata.finalizers) ? metadata.finalizers.map(String) : [];
  const found = [...remaining, ...(finalizers.length > 0 ? [`finalizers: ${finalizers.join(", ")}`] : [])];
  return found.length > 0 ? `: ${found.join("; ")}` : "";
}
