import type { V1ResourceRule } from "@kubernetes/client-node";
import { ok, problem, skipped, warning, type Check } from "../check.ts";
import { restoreObjects } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { httpStatus } from "../../clients/describe-error.ts";
import { putBack } from "../fixes/put-back.ts";

/** The jobs' account may do nothing: else any CI job could read the runner's token, or start pods of its own. */
export const jobRights: Check<DoctorContext> = {
  id: "job-rights",
  title: "The jobs' account has no rights",
  needs: ["namespaces", "rbac"],
  run: async ({ kubernetes, outputs, jobNamespace, expected, stack }) => {
    if (expected.jobAccount === undefined) {
      return skipped("jobs.serviceAccount names an account that is not this stack's.");
    }
    const account = { namespace: jobNamespace, name: expected.jobAccount };
    const places = [...new Set([jobNamespace, outputs.namespace])];
    if (!(await kubernetes().hasAccount(account.namespace, account.name))) {
      return problem(
        `There is no ServiceAccount ${account.name} in namespace ${account.namespace}, so no job pod can be made.`,
        restoreObjects(stack),
        putBack(stack),
      );
    }
    try {
      const rules = await Promise.all(places.map((place) => kubernetes().accountRules(account, place)));
      const surplus = places.map((place, index) => ({ place, rights: surplusRights(rules[index] ?? []) }));
      const found = surplus.filter(({ rights }) => rights.length > 0);
      if (found.length === 0) {
        return ok(account.name);
      }
      const isSevere = found.some(({ rights }) => rights.some((right) => severity(right) < leastSevere));
      return (isSevere ? problem : warning)(
        found.map(({ place, rights }) => `In namespace ${place}, every CI job may ${listSome(rights)}.`).join("\n"),
        `Find what binds ${account.name}, or one of its groups, and take it off:\n` +
          "kubectl get rolebindings,clusterrolebindings --all-namespaces --output wide",
      );
    } catch (error) {
      if (httpStatus(error) === 403) {
        return skipped(`You may not ask in the name of the account: ${account.name} in ${account.namespace}.`);
      }
      throw error;
    }
  },
};

/** What a job must not be able to do, the worst first. */
const severe = [
  /^(get|list|\*) (secrets|\*)$/,
  /^(create|update|patch|\*) (pods|\*)$/,
  /^(create|get|\*) pods\/(exec|attach)$/,
  /^create serviceaccounts\/token$/,
  /^impersonate /,
  /^(create|update|patch|escalate|bind|\*) (cluster)?role(binding)?s$/,
  /^(create|update|patch) (deployments|daemonsets|statefulsets|jobs|cronjobs|replicasets)$/,
  /^(get|list|create|update|patch|delete|\*) (pods|configmaps|secrets|serviceaccounts|services)$/,
];

const leastSevere = severe.length;

/** What every account may do: ask who it is and what it may. */
const ownReviews = ["authorization.k8s.io", "authentication.k8s.io"];

/** @returns each right beyond those of every account as `verb resource`, the worst first */
export function surplusRights(rules: readonly V1ResourceRule[]): string[] {
  const rights = rules
    .filter(({ apiGroups = [] }) => !apiGroups.every((group) => ownReviews.includes(group)))
    .flatMap(({ verbs, resources = [] }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    );
  return [...new Set(rights)].toSorted((a, b) => severity(a) - severity(b));
}

function severity(right: string): number {
  const index = severe.findIndex((pattern) => pattern.test(right));
  return index === -1 ? leastSevere : index;
}

/** @returns the first few rights, and how many there are besides */
function listSome(rights: readonly string[]): string {
  const shown = rights.slice(0, 6).map((right) => right.replace(/^\*/, "do anything to").replace(/\*$/, "everything"));
  return rights.length > shown.length
    ? `${shown.join(", ")} and ${rights.length - shown.length} more`
    : shown.join(", ");
}
