import { ok, problem, type Check } from "../check.ts";
import { restore } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { clearRelease } from "../fixes/clear-release.ts";
import { putBack } from "../fixes/put-back.ts";
import { resourceTypes, resourcesOf } from "../stack-state.ts";

/** Helm has finished what it was asked for. */
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
        `Helm has a release ${release.name} in namespace ${namespace} that Pulumi's state has not: ` +
          "pulumi up cannot install one of the same name.",
        `helm uninstall ${release.name} --namespace ${namespace}\n${restore(stack)}`,
        clearRelease(found, outputs, state),
      );
    }
    if (status === "deployed") {
      return ok(`${release.name}, revision ${revision}, chart ${chartVersion}`);
    }
    // Where none was ever deployed, there is nothing to go back to.
    const back = lastDeployed === undefined ? `uninstall ${release.name}` : `rollback ${release.name} ${lastDeployed}`;
    const clear =
      "Helm was cut off. Go back to what was there before, then deploy again:\n" +
      `helm ${back} --namespace ${namespace}\n`;
    const cleared = clearRelease(found, outputs, state);
    return problem(
      `Helm calls revision ${revision} of it ${status}.`,
      `${status.startsWith("pending") ? clear : ""}${restore(stack)}`,
      ...(cleared === undefined || cleared.lastResort === true ? [putBack(stack)] : []),
      cleared,
    );
  },
};
