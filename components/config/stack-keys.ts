import * as lookup from "../settings/lookup.ts";
import type { Path } from "../settings/path.ts";
import { registrationSettings } from "../settings/registration.ts";

// A stack has the settings of the registration among the others, without an object around them.

/** Keys of the configuration whose values GitLab stores. */
export const registrationKeys = Object.keys(registrationSettings.shape) as (keyof typeof registrationSettings.shape)[];

/** Every key that a stack can set. */
export const stackKeys = (lookup.keysAt([]) ?? []).flatMap((key) =>
  key === "registration" ? registrationKeys : [key],
);

/** @returns where a stack has the setting that is at a path in the arguments */
export function inStack(path: Path): Path {
  return path[0] === "registration" ? path.slice(1) : path;
}

/** @returns where the arguments have the setting that is at a path in a stack */
export function inArguments(path: Path): Path {
  return (registrationKeys as unknown[]).includes(path[0]) ? ["registration", ...path] : path;
}

/** @returns the keys that an object at a path in a stack may have; undefined where no object is due */
export function keysAt(path: Path): readonly string[] | undefined {
  return path.length === 0 ? stackKeys : lookup.keysAt(inArguments(path));
}
