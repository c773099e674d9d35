import { randomBytes } from "node:crypto";
import type { Properties } from "./property-values.ts";
import { defaultsKey } from "./resource-fields.ts";

/** @returns `name-1a2b3c4`: the resource's name with seven random digits, as Pulumi names what the program leaves unnamed */
export function autoName(resourceName: string): string {
  return `${resourceName}-${randomBytes(4).toString("hex").slice(0, 7)}`;
}

/** @returns the inputs with a name: the program's own, else the one that the resource has already, else a new one */
export function withAutoName(inputs: Properties, previousInputs: Properties, resourceName: string): Properties {
  return inputs.name === undefined
    ? { ...inputs, name: previousInputs.name ?? autoName(resourceName), [defaultsKey]: ["name"] }
    : { ...inputs, [defaultsKey]: [] };
}

/**
 * Two resources of one name cannot exist at once, so the bridge deletes the old one first where the program names it, even
 * where the name is what changes. The resource option `deleteBeforeReplace` overrides this.
 * https://github.com/pulumi/pulumi-terraform-bridge/blob/v3.135.0/pkg/tfbridge/schema.go#L193
 *
 * @param inputs what {@link withAutoName} returned
 */
export function namedByProgram(inputs: Properties): boolean {
  const defaults = inputs[defaultsKey];
  return Array.isArray(defaults) && !defaults.includes("name");
}
