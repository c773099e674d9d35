import { ok, problem, skipped, type Check } from "../check.ts";
import { restoreObjects } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { httpStatus } from "../../clients/describe-error.ts";
import type { PolicyRule } from "../expected-stack.ts";
import type { Right } from "../../clients/kubernetes.ts";
import { putBack } from "../fixes/put-back.ts";

/** The manager's account has all permissions that the executor needs. */
export const managerRights: Check<DoctorContext> = {
  id: "manager-rights",
  title: "The manager's account has its permissions",
  needs: ["namespaces", "rbac"],
  run: async ({ kubernetes, outputs, jobNamespace, expected, stack }) => {
    const account = { namespace: outputs.namespace, name: expected.managerAccount };
    const todo = restoreObjects(stack);
    if (!(await kubernetes().hasAccount(account.namespace, account.name))) {
      return problem(
        `There is no ServiceAccount ${account.name} in namespace ${account.namespace}.`,
        todo,
        putBack(stack),
      );
    }
    const rights = rightsOf(expected.managerRules);
    try {
      const answers = await Promise.all(rights.map((right) => kubernetes().accountMay(account, jobNamespace, right)));
      const missing = rights.filter((_, index) => answers[index] === false);
      return missing.length === 0
        ? ok(`${rights.length} of ${rights.length}`)
        : problem(
            `In namespace ${jobNamespace}, ${account.name} may not ${listRights(missing)}.`,
            todo,
            putBack(stack),
          );
    } catch (error) {
      if (httpStatus(error) === 403) {
        return skipped(`You may not impersonate the account: ${account.name} in ${account.namespace}.`);
      }
      throw error;
    }
  },
};

/** @returns each single permission that the rules grant */
export function rightsOf(rules: readonly PolicyRule[]): Right[] {
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => ({ group, resource, verb })))),
  );
}

/** @returns the permissions in words, by resource: `create or delete pods, get pods/log` */
export function listRights(rights: readonly Right[]): string {
  const byResource = Map.groupBy(rights, ({ resource }) => resource);
  return Array.from(byResource, ([resource, of]) => `${of.map(({ verb }) => verb).join(" or ")} ${resource}`).join(
    ", ",
  );
}
