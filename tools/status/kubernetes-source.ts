import { CoreV1Api, type CoreV1Event, type KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { within } from "../clients/time-limit.ts";
import type { StoreKeys } from "../clients/object-store.ts";
import type { ClusterReport, EventReport, JobPod, PodReport } from "./report.ts";

/** Where the stack's objects are. */
export interface Place {
  /** Name of the Helm release, which its objects are called after. */
  readonly release: string;
  /** Namespace of the runner manager. */
  readonly namespace: string;
  /** Namespace of the job pods. */
  readonly jobNamespace: string;
  /** Name of the Secret with the cache's keys; undefined without a cache. */
  readonly cacheSecret: string | undefined;
}

/** Labels and annotations of job pods: https://docs.gitlab.com/runner/executors/kubernetes/#default-labels-for-job-pods */
const jobLabels = {
  pod: "job.runner.gitlab.com/pod",
  jobId: "job.runner.gitlab.com/id",
  jobName: "job.runner.gitlab.com/name",
  project: "project.runner.gitlab.com/name",
  group: "project.runner.gitlab.com/root-namespace",
};

const eventsShown = 5;

/** @returns pods and events of the stack's namespaces */
export async function askKubernetes(config: KubeConfig, place: Place): Promise<ClusterReport> {
  const { release, namespace, jobNamespace } = place;
  const api = config.makeApiClient(CoreV1Api);
  const pods = async (of: string, labelSelector: string) =>
    (await api.listNamespacedPod({ namespace: of, labelSelector })).items;
  const [managers, jobs, events] = await within(
    Promise.all([
      pods(namespace, `app=${release}`),
      pods(jobNamespace, jobLabels.pod),
      Promise.all([...new Set([namespace, jobNamespace])].map((of) => api.listNamespacedEvent({ namespace: of }))),
    ]),
  );
  return {
    managers: managers.map(podReport),
    jobs: jobs.map(jobPod),
    events: events
      .flatMap(({ items }) => items)
      .toSorted((a, b) => (timeOf(b)?.getTime() ?? 0) - (timeOf(a)?.getTime() ?? 0))
      .slice(0, eventsShown)
      .map(eventReport),
  };
}

/**
 * @returns the keys that the stack has made for its cache; they may read and write its objects, and list them
 * @throws Error when they are not there
 */
export async function readCacheKeys(config: KubeConfig, { namespace, cacheSecret: name }: Place): Promise<StoreKeys> {
  if (name === undefined) {
    throw new Error("the stack has no Secret with keys of a cache");
  }
  const api = config.makeApiClient(CoreV1Api);
  const { data = {} } = await within(api.readNamespacedSecret({ namespace, name }));
  const decoded = (key: string) => Buffer.from(data[key] ?? "", "base64").toString();
  return { accessKey: decoded("accesskey"), secretKey: decoded("secretkey") };
}

function podReport({ metadata, spec, status }: V1Pod): PodReport {
  const containers = status?.containerStatuses ?? [];
  const waiting = [...(status?.initContainerStatuses ?? []), ...containers]
    .map(({ state }) => state?.waiting?.reason)
    .find((reason) => reason !== undefined);
  return {
    name: metadata?.name ?? "",
    state: metadata?.deletionTimestamp === undefined ? (waiting ?? status?.phase ?? "Unknown") : "Terminating",
    ready: containers.filter(({ ready }) => ready).length,
    containers: spec?.containers.length ?? 0,
    restarts: containers.reduce((sum, { restartCount }) => sum + restartCount, 0),
    createdAt: metadata?.creationTimestamp,
  };
}

function jobPod(pod: V1Pod): JobPod {
  const labels = pod.metadata?.labels ?? {};
  const annotations = pod.metadata?.annotations ?? {};
  const id = Number(annotations[jobLabels.jobId]);
  return {
    ...podReport(pod),
    jobId: Number.isInteger(id) && id > 0 ? id : undefined,
    jobName: annotations[jobLabels.jobName],
    project: [labels[jobLabels.group], labels[jobLabels.project]].filter(Boolean).join("/"),
  };
}

function eventReport(event: CoreV1Event): EventReport {
  return {
    at: timeOf(event),
    object: `${event.involvedObject.kind ?? ""}/${event.involvedObject.name ?? ""}`,
    reason: event.reason ?? "",
    message: event.message ?? "",
    count: event.series?.count ?? event.count ?? 1,
    isWarning: event.type === "Warning",
  };
}

/** The API has had several places for it, one after the other; the client leaves some as text, whatever its types say. */
function timeOf({ series, lastTimestamp, eventTime, metadata }: CoreV1Event): Date | undefined {
  const times: (Date | undefined)[] = [series?.lastObservedTime, lastTimestamp, eventTime, metadata.creationTimestamp];
  const time = times.find(Boolean);
  return time && new Date(time);
}
