import { nameOf, resourceTypes, type StateResource } from "../stack-state.ts";
import type { Fix } from "./fix.ts";

/**
 * If Pulumi was killed between its request for a resource and the response, the resource exists but is not in
 * the state. A bucket cannot be created a second time; a policy would get another name, and the first would be left behind.
 * @param certain whether Pulumi is known to have created it
 * @returns undefined if the provider can create the resource a second time without harm
 * Source: https://www.pulumi.com/docs/iac/cli/commands/pulumi_import/
 */
export function adoptResource(
  stack: string,
  { urn, type, parent, inputs = {} }: Pick<StateResource, "urn" | "type" | "parent" | "inputs">,
  certain: boolean,
): Fix | undefined {
  const id =
    type === resourceTypes.bucket ? inputs["bucket"] : type === resourceTypes.policy ? inputs["name"] : undefined;
  if (typeof id !== "string") {
    return undefined;
  }
  const name = urn.split("::").slice(3).join("::");
  const command = [
    ...["import", type, name, id, ...(parent === undefined ? [] : ["--parent", `parent=${parent}`])],
    ...["--yes", "--skip-preview", "--generate-code=false", "--protect=false", "--suppress-outputs"],
  ];
  return {
    id: `adopt ${urn}`,
    stage: "state",
    title: `Import ${nameOf(urn)} into Pulumi's state, if ${id} exists.`,
    commands: [`pulumi import ${type} ${name} ${id} --stack ${stack}`],
    certain,
    thenDeploy: true,
    run: ({ commands }) => commands.pulumi(command),
  };
}
