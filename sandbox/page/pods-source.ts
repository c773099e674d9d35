import type { V1Pod } from "@kubernetes/client-node";
import type { PodRow } from "./snapshot.ts";

const jobIdAnnotation = "job.runner.gitlab.com/id";
const projectIdAnnotation = "project.runner.gitlab.com/id";
const roles = ["manager", "job", "other"];

/** @returns what the page shows of pods: managers first, and then the newest */
export function describePods(pods: readonly V1Pod[]): PodRow[] {
  return pods
    .map(describePod)
    .sort(
      (a, b) =>
        roles.indexOf(a.role) - roles.indexOf(b.role) ||
        (b.createdAt ?? "").localeCompare(a.createdAt ?? "") ||
        a.name.localeCompare(b.name),
    );
}

function describePod({ metadata, spec, status }: V1Pod): PodRow {
  const annotations = metadata?.annotations ?? {};
  const labels = metadata?.labels ?? {};
  const containers = status?.containerStatuses ?? [];
  const waiting = containers.find(({ state }) => state?.waiting !== undefined)?.state?.waiting?.reason;
  const phase = status?.reason ?? (status?.phase === "Pending" ? waiting : undefined) ?? status?.phase ?? "Unknown";
  const isJob = annotations[jobIdAnnotation] !== undefined || labels["job.runner.gitlab.com/pod"] !== undefined;
  return {
    uid: metadata?.uid ?? "",
    name: metadata?.name ?? "",
    namespace: metadata?.namespace ?? "",
    role: isJob ? "job" : /^gitlab-runner-\d/.test(labels["chart"] ?? "") ? "manager" : "other",
    phase: metadata?.deletionTimestamp === undefined ? phase : "Terminating",
    ready: containers.filter(({ ready }) => ready).length,
    containers: spec?.containers.length ?? 0,
    createdAt: metadata?.creationTimestamp?.toISOString() ?? null,
    node: spec?.nodeName ?? null,
    jobId: toId(annotations[jobIdAnnotation]),
    projectId: toId(annotations[projectIdAnnotation] ?? labels[projectIdAnnotation]),
  };
}

function toId(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}
