import { randomBytes } from "node:crypto";
import type { Properties } from "./property-values.ts";
import { defaultsKey } from "./resource-fields.ts";

/** @returns `name-1a2b3c4`: the resource's name with seven random digits, as Pulumi names resources whose name is not set */
export function autoName(resourceName: string): string {
  return `${resourceName}-${randomBytes(4).toString("hex").slice(0, 7)}`;
}

/** @returns the inputs with a name: the program's, otherwise the resource's existing one, otherwise a new one */
export function withAutoName(inputs: Properties, previousInputs: Properties, resourceName: string): Properties {
  return inputs.name === undefined
    ? { ...inputs, name: previousInputs.name ?? autoName(resourceName), [defaultsKey]: ["name"] }
    : { ...inputs, [defaultsKey]: [] };
}

/**
 * Two resources with the same name cannot exist at once, so the bridge deletes the old one first if the program sets the name,
 * even if the name itself changes. The resource option `deleteBeforeReplace` overrides this.
 * https://github.com/pulumi/pulumi-terraform-bridge/blob/v3.135.0/pkg/tfbridge/schema.go#L193
 *
 * @param inputs result of {@link withAutoName}
 */
export function namedByProgram(inputs: Properties): boolean {
  const defaults = inputs[defaultsKey];
  return Array.isArray(defaults) && !defaults.includes("name");
}
