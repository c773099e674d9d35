import { ok, problem, type Check } from "../check.ts";
import { restore } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { clearRelease } from "../fixes/clear-release.ts";
import { putBack } from "../fixes/put-back.ts";
import { resourceTypes, resourcesOf } from "../stack-state.ts";

/** Helm has completed its last operation. */
export const helmRelease: Check<DoctorContext> = {
  id: "release",
  title: "The Helm release is deployed",
  needs: ["namespaces"],
  run: async ({ kubernetes, outputs, stack, state }) => {
    const { namespace, release } = outputs;
    const found = await kubernetes().helmRelease(namespace, release.name);
    if (found === undefined) {
      return problem(`Helm has no release ${release.name} in namespace ${namespace}.`, restore(stack), putBack(stack));
    }
    const { status, revision, chartVersion, lastDeployed } = found;
    const isUnknown = state !== undefined && resourcesOf(state, resourceTypes.release).length === 0;
    if (status === "deployed" && isUnknown) {
      return problem(
        `Helm has a release ${release.name} in namespace ${namespace} that is not in Pulumi's state: ` +
          "pulumi up cannot install another one of the same name.",
        `helm uninstall ${release.name} --namespace ${namespace}\n${restore(stack)}`,
        clearRelease(found, outputs, state),
      );
    }
    if (status === "deployed") {
      return ok(`${release.name}, revision ${revision}, chart ${chartVersion}`);
    }
    // If none was ever deployed, there is no revision to roll back to.
    const back = lastDeployed === undefined ? `uninstall ${release.name}` : `rollback ${release.name} ${lastDeployed}`;
    const clear =
      "Helm was interrupted. Roll back to the previous revision, then deploy again:\n" +
      `helm ${back} --namespace ${namespace}\n`;
    const cleared = clearRelease(found, outputs, state);
    return problem(
      `Its revision ${revision} has the status ${status}.`,
      `${status.startsWith("pending") ? clear : ""}${restore(stack)}`,
      ...(cleared === undefined || cleared.lastResort === true ? [putBack(stack)] : []),
      cleared,
    );
  },
};
