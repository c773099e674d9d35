import type { EventRow, JobRow, PodRow, RunnerRow, StackPart } from "../../tools/status/snapshot.ts";
import type { Sources, Watched } from "../../tools/status/sources.ts";

const project = { id: 1, path: "homelab/infrastructure" };

/** Parts of a snapshot, made up. */
export const made = {
  runner: (change: Partial<RunnerRow> = {}): RunnerRow => ({
    id: 42,
    description: "k8s-homelab-runner",
    type: "project_type",
    status: "online",
    paused: false,
    contactedAt: "2026-11-24T08:40:59.000Z",
    tags: ["kubernetes", "homelab"],
    projects: [project, { id: 2, path: "homelab/website" }],
    runUntagged: false,
    locked: true,
    protectedOnly: false,
    managers: [
      { systemId: "r_0iP4t0jifvM", version: "18.9.0", status: "online", contactedAt: "2026-11-24T08:40:59.000Z" },
    ],
    ...change,
  }),
  job: (id: number, change: Partial<JobRow> = {}): JobRow => ({
    ...{ id, name: "build", stage: "test", ref: "main", project, status: "running", failureReason: null },
    createdAt: "2026-11-24T08:00:00.000Z",
    startedAt: "2026-11-24T08:00:01.000Z",
    finishedAt: null,
    ...change,
  }),
  jobPod: (id: number, change: Partial<PodRow> = {}): PodRow => ({
    uid: String(id),
    name: `runner-t3abcdefg-project-75488734-concurrent-${id}-0a1b2c3d`,
    namespace: "gitlab-runner",
    role: "job",
    ...{ state: "Running", ready: 2, containers: 2, restarts: 0, node: "polycephala" },
    createdAt: "2026-11-24T08:00:02.000Z",
    jobId: id,
    jobName: "build",
    projectId: project.id,
    project: project.path,
    ...change,
  }),
  managerPod: (change: Partial<PodRow> = {}): PodRow => ({
    uid: "manager",
    name: "gitlab-runner-67db458fd5-v9lv9",
    namespace: "gitlab-runner",
    role: "manager",
    ...{ state: "Running", ready: 1, containers: 1, restarts: 1, node: "polycephala" },
    createdAt: "2026-11-24T05:41:02.000Z",
    jobId: null,
    jobName: null,
    projectId: null,
    project: "",
    ...change,
  }),
  event: (change: Partial<EventRow> = {}): EventRow => ({
    at: "2026-11-24T08:39:58.000Z",
    object: "Pod/runner-t3abcdefg-project-75488734-concurrent-7-0a1b2c3d",
    reason: "Scheduled",
    message: "Successfully assigned it to polycephala",
    count: 1,
    isWarning: false,
    ...change,
  }),
};

/** A stack whose sources have nothing and answer at once, unless told otherwise. */
export function watched(sources: Partial<Sources> = {}, stack: Partial<StackPart> = {}): Watched {
  return {
    stack: {
      ...{ name: "homelab", chart: "gitlab-runner-0.86.0", namespaces: ["gitlab-runner"] },
      outputs: {},
      isBusy: false,
      suggestions: [],
      ...stack,
    },
    sources: {
      gitlab: () => Promise.resolve({ runner: null, jobs: [] }),
      cluster: () => Promise.resolve({ pods: [], events: [] }),
      cache: () => Promise.resolve(null),
      ...sources,
    },
    trace: () => Promise.reject(new Error("no such job")),
  };
}
