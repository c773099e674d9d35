import type { V1Pod, V1Service } from "@kubernetes/client-node";
import { ok, warning, type Check } from "../check.ts";
import { jobPodLabel, type DoctorContext } from "../context.ts";
import { minuteLength } from "../times.ts";
import { deleteJobObjects } from "../fixes/delete-job-objects.ts";
import { ownsNamespace } from "../stack-state.ts";

/** Names that the runner gives to a job's objects; see `ProjectUniqueName` in its source, common/build.go. */
const jobObject = /^(runner-.+-project-\d+-concurrent-\d+)-/;

/** No object that the runner created for a job has outlived the job's pod. */
export const orphanedObjects: Check<DoctorContext> = {
  id: "orphaned-objects",
  title: "No Secret, ConfigMap or Service of a job was left behind",
  needs: ["namespaces"],
  run: async ({ kubernetes, jobPods, jobNamespace, options, now, state }) => {
    const [objects, pods] = await Promise.all([kubernetes().jobObjects(jobNamespace), jobPods()]);
    const left = leftBehind(objects, pods).filter(
      // The runner creates a Secret a moment before the pod.
      ({ metadata }) =>
        now().getTime() - (metadata?.creationTimestamp?.getTime() ?? 0) > options.graceMinutes * minuteLength,
    );
    const names = left.map(({ kind = "", metadata }) => `${kind.toLowerCase()}/${metadata?.name ?? ""}`);
    return names.length === 0
      ? ok(`in namespace ${jobNamespace}`)
      : warning(
          `These belong to jobs whose pod no longer exists: ${names.join(", ")}.`,
          `kubectl --namespace ${jobNamespace} delete ${names.join(" ")}`,
          deleteJobObjects(
            jobNamespace,
            left.map(({ kind = "", metadata }) => ({ kind, name: metadata?.name ?? "" })),
            ownsNamespace(state, jobNamespace),
          ),
        );
  },
};

type JobObject = Pick<V1Service, "kind" | "metadata" | "spec">;

/** @returns the objects that were created for a job whose pod no longer exists */
export function leftBehind(objects: readonly JobObject[], pods: readonly V1Pod[]): JobObject[] {
  const jobs = new Set(pods.map(({ metadata }) => metadata?.labels?.[jobPodLabel]));
  return objects.filter((object) => {
    const job = object.spec?.selector?.[jobPodLabel] ?? jobObject.exec(object.metadata?.name ?? "")?.[1];
    return job !== undefined && !jobs.has(job);
  });
}
