import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../property-values.ts";
import type { KubernetesJson, ObjectApi, ObjectReference } from "./object-api.ts";

const limitSeconds = 60;
const pauseMilliseconds = 250;

/**
 * Waits for what a program may rely on: a ResourceQuota that is enforced. Workloads, for which the real provider waits,
 * too, are not waited for.
 *
 * @returns the object as it is then
 * @throws Error when it takes longer than a minute
 */
export async function waitUntilReady(
  api: ObjectApi,
  reference: ObjectReference,
  object: KubernetesJson,
  signal: AbortSignal,
): Promise<KubernetesJson> {
  if (reference.apiVersion !== "v1" || reference.kind !== "ResourceQuota") {
    return object;
  }
  const deadline = Date.now() + limitSeconds * 1000;
  let live: KubernetesJson | undefined = object;
  while (live !== undefined && !isEnforced(live)) {
    if (Date.now() > deadline) {
      throw new Error(
        `kubernetes: ResourceQuota ${reference.namespace ?? ""}/${reference.name} is not enforced after ${limitSeconds} seconds; ` +
          "is the cluster's controller manager running?",
      );
    }
    await sleep(pauseMilliseconds, undefined, { signal });
    live = await api.find(reference, signal);
  }
  return live ?? object;
}

function isEnforced({ spec, status }: KubernetesJson): boolean {
  return isRecord(spec) && isRecord(status) && isDeepStrictEqual(spec.hard, status.hard);
}
