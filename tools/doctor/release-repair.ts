import type { DoctorContext } from "./context.ts";

/**
 * @returns the command that brings back what the Helm release has made. Pulumi does not look into a release, so it would
 * find nothing to do; Helm applies a revision anew when it goes back to it, even to the present one.
 */
export async function releaseRepair({ kubernetes, outputs }: DoctorContext): Promise<string> {
  const { namespace, release } = outputs;
  try {
    const { revision = "REVISION" } = (await kubernetes().helmRelease(namespace, release.name)) ?? {};
    return `helm rollback ${release.name} ${revision} --namespace ${namespace}`;
  } catch {
    // Whoever may not read Secrets is told what there is to mend all the same.
    return `helm rollback ${release.name} REVISION --namespace ${namespace}`;
  }
}
