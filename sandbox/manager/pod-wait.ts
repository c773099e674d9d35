import { setTimeout as sleep } from "node:timers/promises";
import type { CoreV1Api, V1Pod } from "@kubernetes/client-node";
import type { KubernetesSettings } from "./runner-config.ts";

const pollMs = 500;

/**
 * Waits until a job's pod runs, at most `poll_timeout` seconds. The error of a pod that does not says what its
 * conditions and events say, such as why no node takes it.
 */
export async function waitForPod(
  api: CoreV1Api,
  settings: KubernetesSettings,
  name: string,
  log: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, poll_timeout: limit } = settings;
  const deadline = Date.now() + limit * 1000;
  let told = "";
  for (;;) {
    const pod = await api.readNamespacedPod({ name, namespace });
    const phase = pod.status?.phase ?? "Unknown";
    if (phase === "Running") {
      log(`Running on ${name} via ${pod.spec?.nodeName ?? "an unknown node"}...`);
      return;
    }
    if (phase === "Failed" || phase === "Succeeded") {
      throw new Error(`pod ${name} ended early: ${phase}`);
    }
    const state = `Waiting for pod ${namespace}/${name} to be running, status is ${phase}`;
    if (state !== told) {
      log((told = state));
    }
    if (Date.now() >= deadline) {
      throw new Error(`pod ${name} does not run after ${limit} s: ${await why(api, pod)}`);
    }
    await sleep(pollMs, undefined, { signal });
  }
}

async function why(api: CoreV1Api, pod: V1Pod): Promise<string> {
  const conditions = (pod.status?.conditions ?? [])
    .filter(({ status, message }) => status === "False" && message !== undefined)
    .map(({ type, message }) => `${type}: ${message ?? ""}`);
  const { metadata } = pod;
  const events = await api
    .listNamespacedEvent({
      namespace: metadata?.namespace ?? "",
      fieldSelector: `involvedObject.name=${metadata?.name ?? ""}`,
    })
    .then(({ items }) => items.slice(-5).map(({ reason, message }) => `${reason ?? "Event"}: ${message ?? ""}`))
    .catch(() => ["its events cannot be read"]);
  const reasons = [...new Set([...conditions, ...events])];
  return reasons.length === 0 ? "the cluster gives no reason" : reasons.join("; ");
}
