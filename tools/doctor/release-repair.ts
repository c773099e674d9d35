import type { DoctorContext } from "./context.ts";

/**
 * @returns the command that restores the objects of the Helm release. Pulumi does not compare them, so it would
 * find nothing to do; Helm applies a revision again when it rolls back to it, even to the current one.
 */
export async function releaseRepair({ kubernetes, outputs }: DoctorContext): Promise<string> {
  const { namespace, release } = outputs;
  try {
    const { revision = "REVISION" } = (await kubernetes().helmRelease(namespace, release.name)) ?? {};
    return `helm rollback ${release.name} ${revision} --namespace ${namespace}`;
  } catch {
    // Someone who may not read Secrets still gets the command, with a placeholder.
    return `helm rollback ${release.name} REVISION --namespace ${namespace}`;
  }
}
