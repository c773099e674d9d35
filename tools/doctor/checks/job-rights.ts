import type { V1ResourceRule } from "@kubernetes/client-node";
import { ok, problem, skipped, warning, type Check } from "../check.ts";
import { restoreObjects } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { httpStatus } from "../../clients/describe-error.ts";
import { putBack } from "../fixes/put-back.ts";

/** The jobs' account has no permissions: otherwise any CI job could read the runner's token, or start pods. */
export const jobRights: Check<DoctorContext> = {
  id: "job-rights",
  title: "The jobs' account has no permissions",
  needs: ["namespaces", "rbac"],
  run: async ({ kubernetes, outputs, jobNamespace, expected, stack }) => {
    if (expected.jobAccount === undefined) {
      return skipped("jobs.serviceAccount is set to an account that this stack does not manage.");
    }
    const account = { namespace: jobNamespace, name: expected.jobAccount };
    const places = [...new Set([jobNamespace, outputs.namespace])];
    if (!(await kubernetes().hasAccount(account.namespace, account.name))) {
      return problem(
        `There is no ServiceAccount ${account.name} in namespace ${account.namespace}, so no job pod can be created.`,
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
        `Find the bindings of ${account.name} or one of its groups, and remove them:\n` +
          "kubectl get rolebindings,clusterrolebindings --all-namespaces --output wide",
      );
    } catch (error) {
      if (httpStatus(error) === 403) {
        return skipped(`You may not impersonate the account: ${account.name} in ${account.namespace}.`);
      }
      throw error;
    }
  },
};

/** What a job must not be able to do, the most dangerous first. */
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

/** API groups that every account may use: to ask who it is and what it may do. */
const ownReviews = ["authorization.k8s.io", "authentication.k8s.io"];

/** @returns each permission beyond those of every account as `verb resource`, the most dangerous first */
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

/** @returns the first few permissions, and the number of the others */
function listSome(rights: readonly string[]): string {
  const shown = rights.slice(0, 6).map((right) => right.replace(/^\*/, "do anything to").replace(/\*$/, "everything"));
  return rights.length > shown.length
    ? `${shown.join(", ")} and ${rights.length - shown.length} more`
    : shown.join(", ");
}
