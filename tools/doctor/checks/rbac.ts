import { ok, problem, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { httpStatus } from "../../clients/describe-error.ts";

/** Name of a ServiceAccount that no one has, and so no one has given a right. */
const nobody = "gitlab-runner-doctor-nobody";

const everything = { group: "*", resource: "*", verb: "*" };

/**
 * The cluster checks rights at all. Without that, such as on a MicroK8s without its addon `rbac`, Roles mean nothing: every
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
        return ok("you may not ask in the name of another account");
      }
      throw error;
    }
  },
};

/** @param why what the cluster says when it lets an account that does not exist do everything */
function withoutRights(why: string) {
  // RBAC always names the binding; what allows everything to everybody gives no reason. Source: `Authorize` in
  // https://github.com/kubernetes/kubernetes/blob/master/plugin/pkg/auth/authorizer/rbac/rbac.go and
  // https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/authorization/authorizerfactory/builtin.go
  const binding = /^RBAC: allowed by (.*)/.exec(why)?.[1];
  return binding === undefined
    ? problem(
        "This cluster does not check rights: even an account that does not exist may do everything, and so may every CI job.",
        "Turn RBAC on. On MicroK8s:\nmicrok8s enable rbac\n" +
          "Elsewhere, kube-apiserver is to start with --authorization-mode=Node,RBAC.",
      )
    : problem(
        `Every account may do everything, even one that does not exist, and so may every CI job: by ${binding}.`,
        "Give that right to those alone who need it:\nkubectl get clusterrolebindings --output wide",
      );
}
