import { ok, problem, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { httpStatus } from "../../clients/describe-error.ts";

/** Name of a ServiceAccount that does not exist, and so has no permissions of its own. */
const nobody = "gitlab-runner-doctor-nobody";

const everything = { group: "*", resource: "*", verb: "*" };

/**
 * The cluster enforces RBAC. Without it, such as on a MicroK8s without its addon `rbac`, Roles have no effect: every
 * account may do everything, and so may every CI job.
 */
export const rbac: Check<DoctorContext> = {
  id: "rbac",
  title: "RBAC is on",
  needs: ["kubernetes"],
  run: async ({ kubernetes, jobNamespace }) => {
    try {
      const why = await kubernetes().whyAccountMay({ namespace: jobNamespace, name: nobody }, jobNamespace, everything);
      return why === undefined ? ok("an account that does not exist may not do everything") : withoutRights(why);
    } catch (error) {
      if (httpStatus(error) === 403) {
        return ok("you may not impersonate another account");
      }
      throw error;
    }
  },
};

/** @param why the cluster's reason for letting an account that does not exist do everything */
function withoutRights(why: string) {
  // RBAC always names the binding; an authorizer that allows everything gives no reason. Source: `Authorize` in
  // https://github.com/kubernetes/kubernetes/blob/master/plugin/pkg/auth/authorizer/rbac/rbac.go and
  // https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/authorization/authorizerfactory/builtin.go
  const binding = /^RBAC: allowed by (.*)/.exec(why)?.[1];
  return binding === undefined
    ? problem(
        "This cluster does not enforce RBAC: even an account that does not exist may do everything, and so may every CI job.",
        "Turn RBAC on. On MicroK8s:\nmicrok8s enable rbac\n" +
          "Elsewhere, start kube-apiserver with --authorization-mode=Node,RBAC.",
      )
    : problem(
        `Every account may do everything, even one that does not exist, and so may every CI job: by ${binding}.`,
        "Grant that permission only to those who need it:\nkubectl get clusterrolebindings --output wide",
      );
}
