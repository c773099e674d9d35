import type { V1Pod } from "@kubernetes/client-node";
import { ok, warning, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { lengthOfTime, minuteLength, parseGoDuration } from "../times.ts";
import { deleteJobObjects } from "../fixes/delete-job-objects.ts";
import { ownsNamespace } from "../stack-state.ts";

/** Job timeout if the pod does not specify it; GitLab's default for a project. */
const defaultTimeout = 60 * minuteLength;

/** No job pod has outlived its job. */
export const orphanedPods: Check<DoctorContext> = {
  id: "orphaned-pods",
  title: "No job pod was left behind",
  needs: ["namespaces"],
  run: async ({ jobPods, jobNamespace, options, now, state }) => {
    const pods = await jobPods();
    const left = pods
      .map((pod) => ({ pod: pod.metadata?.name ?? "", over: overdue(pod, now()) }))
      .filter(({ over }) => over > options.graceMinutes * minuteLength);
    return left.length === 0
      ? ok(pods.length === 0 ? "there is none" : `${pods.length} running`)
      : warning(
          left.map(({ pod, over }) => `Pod ${pod} is ${lengthOfTime(over)} past its job's timeout.`).join("\n"),
          `kubectl --namespace ${jobNamespace} delete pod ${left.map(({ pod }) => pod).join(" ")}`,
          deleteJobObjects(
            jobNamespace,
            left.map(({ pod }) => ({ kind: "Pod", name: pod })),
            ownsNamespace(state, jobNamespace),
          ),
        );
  },
};

/** @returns how long the pod is past its job's timeout, in milliseconds; negative before the timeout */
export function overdue({ metadata }: V1Pod, now: Date): number {
  const timeout = parseGoDuration(metadata?.annotations?.["job.runner.gitlab.com/timeout"] ?? "") ?? defaultTimeout;
  return now.getTime() - (metadata?.creationTimestamp?.getTime() ?? now.getTime()) - timeout;
}
