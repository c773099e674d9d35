import { dotted, type Path } from "../settings/path.ts";
import type { Change, Fix } from "../settings/problems.ts";
import { inStack } from "./stack-keys.ts";

/** @returns what to type to follow a fix */
export function fixCommands({ first, then, or, note }: Fix): string {
  const remarks = [
    ...(then === undefined ? [] : [`and then: ${changeCommand(then)}`]),
    ...(or === undefined ? [] : [`or: ${changeCommand(or)}`]),
    ...(note === undefined ? [] : [note]),
  ];
  const command = "run" in first ? first.run : changeCommand(first);
  return remarks.length === 0 ? command : `${command}    (${remarks.join("; ")})`;
}

function changeCommand(change: Change): string {
  return "remove" in change
    ? removeCommand(inStack(change.remove))
    : setCommand(inStack(change.set), String(change.to));
}

/** @returns a command that removes the value at a path from the configuration */
export function removeCommand(path: Path): string {
  return `pulumi config rm ${pathArgument(path)}`;
}

/** @returns a command that asks for a secret, which then is text even if it looks like a number where `isText` */
export function askCommand(path: Path, isText = false): string {
  return `pulumi config set --secret ${isText ? "--type string " : ""}${pathArgument(path)}    (asks for it)`;
}

/** @returns a command that sets the value at a path, to text even if it looks like a number where `isText` */
export function setCommand(path: Path, value: string, isText = false): string {
  // Else Pulumi refuses names of Secrets, and whether to mount a token, which it takes for secrets.
  const plaintext = path.some((part) => /(secret|token)s?$/i.test(String(part))) ? "--plaintext " : "";
  const type = isText ? "--type string " : "";
  const dashes = value.startsWith("-") ? "-- " : "";
  return `pulumi config set ${plaintext}${type}${pathArgument(path)} ${dashes}${shellQuote(value)}`;
}

/** A path as `pulumi config` takes it; see https://www.pulumi.com/docs/iac/concepts/config/#structured-configuration */
function pathArgument(path: Path): string {
  return path.length === 1 ? shellQuote(String(path[0])) : `--path ${shellQuote(dotted(path))}`;
}

function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
