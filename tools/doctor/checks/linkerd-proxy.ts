import type { V1Pod } from "@kubernetes/client-node";
import { ok, problem, skipped, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { httpStatus } from "../../clients/describe-error.ts";

/** The webhook that injects Linkerd's proxy. */
const injector = "linkerd-proxy-injector-webhook-config";

/** Linkerd has injected its proxy, as the annotations request. */
export const linkerdProxy: Check<DoctorContext> = {
  id: "linkerd-proxy",
  title: "The manager pods have Linkerd's proxy",
  needs: ["linkerd"],
  run: async ({ kubernetes, managerPods, outputs: { namespace, release } }) => {
    const pods = await managerPods();
    const without = pods.filter((pod) => !hasProxy(pod)).map(({ metadata }) => metadata?.name ?? "");
    if (pods.length > 0 && without.length === 0) {
      return ok(`${pods.length} of ${pods.length}`);
    }
    try {
      if (!(await kubernetes().hasMutatingWebhook(injector))) {
        return skipped(
          `This cluster has no Linkerd (no webhook ${injector}), so the annotations have no effect.`,
          "Install it, https://linkerd.io/2/getting-started/, or: pulumi config set linkerd false",
        );
      }
    } catch (error) {
      if (httpStatus(error) === 403) {
        return skipped("The pods have no proxy, and you may not see whether this cluster has Linkerd.");
      }
      throw error;
    }
    return pods.length === 0
      ? skipped("There are no manager pods.")
      : problem(
          `Linkerd has not injected its proxy into ${without.join(", ")}: it was installed after the pods were created, or refuses them.`,
          `kubectl --namespace ${namespace} rollout restart deployment ${release.name}\nlinkerd check --proxy --namespace ${namespace}`,
        );
  },
};

/** As a native sidecar it is among the init containers. */
function hasProxy({ spec }: V1Pod): boolean {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].some(({ name }) => name === "linkerd-proxy");
}
