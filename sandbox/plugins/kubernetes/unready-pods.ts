import { asText, isRecord } from "../property-values.ts";
import type { Cluster } from "./cluster.ts";
import type { KubernetesJson } from "./object-api.ts";

const limitMilliseconds = 10_000;
const eventsShown = 5;

/**
 * Tells why pods are not ready, for the message of a release that failed.
 *
 * @param owners names of the release's objects, with or without namespace; pods of others are left out
 * @returns one line for each pod and one for each of their last warnings; none where the cluster does not say
 */
export async function describeUnreadyPods(
  cluster: Cluster,
  namespace: string,
  owners: readonly string[],
): Promise<string[]> {
  const signal = AbortSignal.timeout(limitMilliseconds);
  const prefixes = owners.map((owner) => `${owner.slice(owner.indexOf("/") + 1)}-`);
  const isOwn = (name: string) => prefixes.some((prefix) => name.startsWith(prefix));
  try {
    const api = await cluster.api();
    const pods = await api.listIn("v1", "Pod", namespace, signal);
    const events = await api.listIn("v1", "Event", namespace, signal);
    const unready = pods.filter((pod) => isOwn(nameOf(pod)) && !isReady(pod));
    const warnings = events
      .filter((event) => event.type === "Warning" && isRecord(event.involvedObject))
      .filter(({ involvedObject }) => isOwn(`${asText(fields(involvedObject).name) ?? ""}-`))
      .slice(-eventsShown)
      .map(({ involvedObject, reason, message }) => {
        const { kind, name } = fields(involvedObject);
        return `${String(kind)} ${String(name)}: ${String(reason)}: ${String(message)}`;
      });
    return [...unready.map((pod) => `Pod ${nameOf(pod)} is not ready: ${reasonsOf(pod)}`), ...warnings];
  } catch {
    // The failure itself is what the user has to know; this only helps to find its cause.
    return [];
  }
}

function fields(value: unknown): KubernetesJson {
  return isRecord(value) ? value : {};
}

function items(value: unknown): KubernetesJson[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function nameOf(object: KubernetesJson): string {
  return asText(fields(object.metadata).name) ?? "";
}

function isReady(pod: KubernetesJson): boolean {
  return items(fields(pod.status).conditions).some(({ type, status }) => type === "Ready" && status === "True");
}

function reasonsOf(pod: KubernetesJson): string {
  const status = fields(pod.status);
  const containers = [...items(status.initContainerStatuses), ...items(status.containerStatuses)].flatMap((container) =>
    Object.values(fields(container.state))
      .map(fields)
      .filter(({ reason }) => reason !== undefined && reason !== "Completed")
      .map(({ reason, message }) => `${String(container.name)} ${String(reason)}${text(message)}`),
  );
  const conditions = items(status.conditions)
    .filter((condition) => condition.status === "False" && condition.message !== undefined)
    .map(({ message }) => String(message));
  return [String(status.phase), ...containers, ...new Set(conditions)].join("; ");
}

function text(message: unknown): string {
  return typeof message === "string" ? ` (${message})` : "";
}
