import { randomBytes } from "node:crypto";
import type { Properties } from "./property-values.ts";

/** @returns `name-1a2b3c4`: the resource's name with seven random digits, as Pulumi names what the program leaves unnamed */
export function autoName(resourceName: string): string {
  return `${resourceName}-${randomBytes(4).toString("hex").slice(0, 7)}`;
}

/** @returns the inputs with a name: the program's own, else the one that the resource has already, else a new one */
export function withAutoName(inputs: Properties, previousInputs: Properties, resourceName: string): Properties {
  return { ...inputs, name: inputs.name ?? previousInputs.name ?? autoName(resourceName) };
}
