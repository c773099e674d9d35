import { UserError } from "../tools/user-error.ts";
import type { Sandbox } from "./sandbox.ts";
import { stackOutputs } from "./pulumi-stack.ts";

/** A deployed manager: namespace and name of its Helm release. */
export interface DeployedManager {
  readonly namespace: string;
  readonly release: string;
}

/**
 * Finds the manager that the sandbox's stack has deployed.
 * @throws UserError if nothing is deployed
 */
export async function deployedManager({ folder, state }: Sandbox): Promise<DeployedManager> {
  const outputs = await stackOutputs(folder, state);
  if (outputs === undefined) {
    throw new UserError("Nothing is deployed, so there is no runner. Deploy: npm run sandbox");
  }
  return managerOf(outputs);
}

/** @returns the manager that a stack with these outputs has deployed */
export function managerOf(outputs: Readonly<Record<string, unknown>>): DeployedManager {
  return { namespace: String(outputs["namespace"]), release: (outputs["release"] as { name: string }).name };
}
