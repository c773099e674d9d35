import type { CoreV1Event, V1Pod } from "@kubernetes/client-node";
import type { KubernetesApi } from "../clients/kubernetes.ts";
import type { ClusterPart, EventRow, PodRow } from "./snapshot.ts";

/** Where the stack's pods are. */
export interface Place {
  /** Name of the Helm release, which its objects are called after. */
  readonly release: string;
  /** Namespace of the runner manager. */
  readonly namespace: string;
  /** Namespace of the job pods. */
  readonly jobNamespace: string;
}

/** Labels and annotations of job pods: https://docs.gitlab.com/runner/executors/kubernetes/#default-labels-for-job-pods */
const jobLabels = {
  pod: "job.runner.gitlab.com/pod",
  jobId: "job.runner.gitlab.com/id",
  jobName: "job.runner.gitlab.com/name",
  projectId: "project.runner.gitlab.com/id",
  project: "project.runner.gitlab.com/name",
  group: "project.runner.gitlab.com/root-namespace",
};

const eventsShown = 5;

/** @returns pods and events of the stack's namespaces */
export async function askKubernetes(
  kubernetes: KubernetesApi,
  { release, namespace, jobNamespace }: Place,
): Promise<ClusterPart> {
  const [managers, jobs, events] = await Promise.all([
    kubernetes.pods(namespace, `app=${release}`),
    kubernetes.pods(jobNamespace, jobLabels.pod),
    Promise.all([...new Set([namespace, jobNamespace])].map((of) => kubernetes.events(of))),
  ]);
  return {
    pods: [...podRows(managers, "manager"), ...podRows(jobs, "job")],
    events: events
      .flat()
      .map(eventRow)
      .sort((a, b) => newestFirst(a.at, b.at))
      .slice(0, eventsShown),
  };
}

/** @returns what is shown of pods, the newest first */
export function podRows(pods: readonly V1Pod[], role: PodRow["role"]): PodRow[] {
  return pods
    .map((pod) => podRow(pod, role))
    .sort((a, b) => newestFirst(a.createdAt, b.createdAt) || a.name.localeCompare(b.name));
}

function newestFirst(a: string | null, b: string | null): number {
  return (b ?? "").localeCompare(a ?? "");
}

function podRow({ metadata, spec, status }: V1Pod, role: PodRow["role"]): PodRow {
  const labels = metadata?.labels ?? {};
  const annotations = metadata?.annotations ?? {};
  const containers = status?.containerStatuses ?? [];
  const waiting = [...(status?.initContainerStatuses ?? []), ...containers]
    .map(({ state }) => state?.waiting?.reason)
    .find((reason) => reason !== undefined);
  const state = waiting ?? status?.reason ?? status?.phase ?? "Unknown";
  return {
    uid: metadata?.uid ?? "",
    name: metadata?.name ?? "",
    namespace: metadata?.namespace ?? "",
    role,
    state: metadata?.deletionTimestamp === undefined ? state : "Terminating",
    ready: containers.filter(({ ready }) => ready).length,
    containers: spec?.containers.length ?? 0,
    restarts: containers.reduce((sum, { restartCount }) => sum + restartCount, 0),
    createdAt: metadata?.creationTimestamp?.toISOString() ?? null,
    node: spec?.nodeName ?? null,
    jobId: toId(annotations[jobLabels.jobId]),
    jobName: annotations[jobLabels.jobName] ?? null,
    projectId: toId(annotations[jobLabels.projectId] ?? labels[jobLabels.projectId]),
    project: [labels[jobLabels.group], labels[jobLabels.project]].filter(Boolean).join("/"),
  };
}

function toId(text: string | undefined): number | null {
  return text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : null;
}

function eventRow(event: CoreV1Event): EventRow {
  return {
    at: timeOf(event),
    object: `${event.involvedObject.kind ?? ""}/${event.involvedObject.name ?? ""}`,
    reason: event.reason ?? "",
    message: event.message ?? "",
    count: event.series?.count ?? event.count ?? 1,
    isWarning: event.type === "Warning",
  };
}

/** The API has had several fields for it over time; the client leaves some as text, despite its types. */
function timeOf({ series, lastTimestamp, eventTime, metadata }: CoreV1Event): string | null {
  const times: (Date | undefined)[] = [series?.lastObservedTime, lastTimestamp, eventTime, metadata.creationTimestamp];
  const time = times.find(Boolean);
  return time === undefined ? null : new Date(time).toISOString();
}
