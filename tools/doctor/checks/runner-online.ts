import type { V1Pod } from "@kubernetes/client-node";
import { ok, problem, warning, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import type { GitLabRunnerManager } from "../../clients/gitlab.ts";
import { isReady } from "../pod-trouble.ts";
import { minuteLength, moment } from "../times.ts";

/** How long a manager pod may take from its start to its first word to GitLab; also covers clocks that differ. */
const startTime = 2 * minuteLength;

/**
 * A manager polls GitLab with the runner's token. GitLab calls one online for two hours after it was last heard of; an idle
 * one may be silent for one of them, as GitLab's front end answers its polls alone.
 * Source: https://docs.gitlab.com/ci/runners/runners_scope/#runner-statuses
 */
export const runnerOnline: Check<DoctorContext> = {
  id: "runner-online",
  title: "The runner is online",
  needs: ["runner"],
  run: async ({ gitlab, runnerId, managerPods, outputs, now }) => {
    const { namespace, release } = outputs;
    const look = [
      "See what the manager says, and whether its pod reaches gitlabUrl:",
      `kubectl --namespace ${namespace} logs --selector app=${release.name} --container ${release.name} --tail 20`,
    ].join("\n");
    const managers = await gitlab.managers((await runnerId()) ?? 0);
    const latest = managers.toSorted((a, b) => contact(b) - contact(a))[0];
    // Without access to the cluster, GitLab's word alone has to do.
    const ready = (await managerPods().catch(() => [])).filter(isReady);
    const since = Math.min(...ready.map(started));
    const isNew = ready.length > 0 && now().getTime() - since <= startTime;
    if (latest?.contacted_at == null) {
      if (isNew) {
        const start = moment(new Date(since), now());
        return warning(`No manager has contacted GitLab yet; the manager pod started at ${start}.`, look);
      }
      return problem("No runner manager has ever contacted GitLab with this runner's token.", look);
    }
    const heard = moment(new Date(latest.contacted_at), now());
    const online = managers.filter(({ status }) => status === "online");
    if (online.length === 0) {
      return problem(`GitLab calls it ${latest.status}: it was last heard of at ${heard}.`, look);
    }
    if (ready.length > 0 && contact(latest) < since - startTime && !isNew) {
      const start = moment(new Date(since), now());
      return problem(
        `No manager has contacted GitLab since the manager pod started at ${start}; the one before was last heard of at ${heard}.`,
        look,
      );
    }
    if (online.length < ready.length) {
      return warning(`${ready.length} manager pods are ready, but GitLab has heard of ${online.length} only.`, look);
    }
    return ok(`last heard of at ${heard}${latest.version === null ? "" : `, version ${latest.version}`}`);
  },
};

function contact({ contacted_at: time }: GitLabRunnerManager): number {
  return time === null ? 0 : Date.parse(time);
}

function started({ status }: V1Pod): number {
  return status?.startTime?.getTime() ?? 0;
}
