import { ok, problem, type Check } from "../check.ts";
import { restore } from "../commands.ts";
import type { DoctorContext } from "../context.ts";

/** Helm has finished what it was asked for. */
export const helmRelease: Check<DoctorContext> = {
  id: "release",
  title: "The Helm release is deployed",
  needs: ["namespaces"],
  run: async ({ kubernetes, outputs: { namespace, release }, stack }) => {
    const found = await kubernetes().helmRelease(namespace, release.name);
    if (found === undefined) {
      return problem(`Helm has no release ${release.name} in namespace ${namespace}.`, restore(stack));
    }
    const { status, revision, chartVersion } = found;
    if (status === "deployed") {
      return ok(`${release.name}, revision ${revision}, chart ${chartVersion}`);
    }
    // Of the very first revision there is none before.
    const command = revision === 1 ? "uninstall" : "rollback";
    const clear =
      "Helm was cut off. Go back to what was there before, then deploy again:\n" +
      `helm ${command} ${release.name} --namespace ${namespace}\n`;
    return problem(
      `Helm calls revision ${revision} of it ${status}.`,
      `${status.startsWith("pending") ? clear : ""}${restore(stack)}`,
    );
  },
};
