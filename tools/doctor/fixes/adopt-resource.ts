import { nameOf, type StateResource } from "../stack-state.ts";
import type { Fix } from "./fix.ts";

/**
 * Pulumi was killed after it had asked for a resource, and before it knew of the answer. What there can be only one of by its
 * name, cannot be made a second time.
 * @param id under which the provider finds it
 * Source: https://www.pulumi.com/docs/iac/cli/commands/pulumi_import/
 */
export function adoptResource(stack: string, { urn, type, parent }: StateResource, id: string): Fix {
  const name = urn.split("::").slice(3).join("::");
  const command = [
    ...["import", type, name, id, ...(parent === undefined ? [] : ["--parent", `parent=${parent}`])],
    ...["--yes", "--skip-preview", "--generate-code=false", "--protect=false", "--suppress-outputs"],
  ];
  return {
    id: `adopt ${urn}`,
    stage: "state",
    title: `Take ${nameOf(urn)} into Pulumi's state, where it was made: Pulumi was killed while it made ${id}.`,
    commands: [`pulumi import ${type} ${name} ${id} --stack ${stack}`],
    certain: true,
    thenDeploy: true,
    run: ({ commands }) => commands.pulumi(command),
  };
}
