import type { V1Pod } from "@kubernetes/client-node";
import { ok, problem, warning, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import type { GitLabRunnerManager } from "../../clients/gitlab.ts";
import { isReady } from "../pod-trouble.ts";
import { minuteLength, moment } from "../times.ts";

/** How long a manager pod may take from its start to its first contact with GitLab; also allows for clock skew. */
const startTime = 2 * minuteLength;

/**
 * A manager polls GitLab with the runner's token. GitLab shows it as online for two hours after its last contact; an idle
 * one may be silent for one of them, because GitLab's front end (Workhorse) responds to its polls by itself.
 * Source: https://docs.gitlab.com/ci/runners/runners_scope/#runner-statuses
 */
export const runnerOnline: Check<DoctorContext> = {
  id: "runner-online",
  title: "The runner is online",
  needs: ["runner"],
  run: async ({ gitlab, runnerId, managerPods, outputs, now }) => {
    const { namespace, release } = outputs;
    const look = [
      "Check the manager's log, and whether its pod can reach gitlabUrl:",
      `kubectl --namespace ${namespace} logs --selector app=${release.name} --container ${release.name} --tail 20`,
    ].join("\n");
    const managers = await gitlab.managers((await runnerId()) ?? 0);
    const latest = managers.toSorted((a, b) => contact(b) - contact(a))[0];
    // Without access to the cluster, only GitLab's information is available.
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
      return problem(`GitLab shows it as ${latest.status}: its last contact was at ${heard}.`, look);
    }
    if (ready.length > 0 && contact(latest) < since - startTime && !isNew) {
      const start = moment(new Date(since), now());
      return problem(
        `No manager has contacted GitLab since the manager pod started at ${start}; the last contact of the previous one was at ${heard}.`,
        look,
      );
    }
    if (online.length < ready.length) {
      return warning(`${ready.length} manager pods are ready, but only ${online.length} contacted GitLab.`, look);
    }
    return ok(`last contact at ${heard}${latest.version === null ? "" : `, version ${latest.version}`}`);
  },
};

function contact({ contacted_at: time }: GitLabRunnerManager): number {
  return time === null ? 0 : Date.parse(time);
}

function started({ status }: V1Pod): number {
  return status?.startTime?.getTime() ?? 0;
}
