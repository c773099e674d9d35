import { pathOf, type Issue } from "../settings/issues.ts";
import * as lookup from "../settings/lookup.ts";
import { valueAt, type Path } from "../settings/path.ts";
import { askCommand, removeCommand, setCommand } from "./commands.ts";
import { inArguments, inStack, keysAt } from "./stack-keys.ts";

/**
 * @param issue what is wrong with a value, at its path in the arguments
 * @param values all values of the stack
 * @returns a command that fixes it, without showing the value where it is hidden
 */
export function fixingCommand(issue: Issue, values: object, isHidden: boolean): string {
  const path = inStack(pathOf(issue));
  if (issue.code === "unrecognized_keys") {
    const keys = keysAt(path.slice(0, -1)) ?? [];
    return `${removeCommand(path)}${keys.length > 40 ? "" : `    (keys there: ${keys.join(", ")})`}`;
  }
  if (issue.code === "invalid_key") {
    const [inner] = issue.issues;
    const meant = inner?.code === "custom" ? (inner.params?.["meant"] as string | undefined) : undefined;
    return replacingCommand(path, [...path.slice(0, -1), ...(meant === undefined ? [] : [meant])]);
  }
  const found = valueAt(values, path);
  const meant = meantValue(path, found);
  if (isHidden && issue.code === "invalid_type" && typeof meant === "string") {
    return askCommand(path, true);
  }
  const own = lookup.hintAt(inArguments(path), "fix");
  if (own !== undefined) {
    return own;
  }
  if (lookup.hintAt(inArguments(path), "secret") === true) {
    return askCommand(path);
  }
  if (issue.code === "custom" && issue.params?.["remove"] === true) {
    return removeCommand(path);
  }
  if (issue.code === "too_big" && issue.origin === "array") {
    return `${removeCommand([...path, Number(issue.maximum)])}    (and all after it)`;
  }
  const right: unknown = issue.code === "custom" ? issue.params?.["example"] : meant;
  const example = isHidden ? undefined : right;
  if (found === undefined || !isInTheWay(issue, path, found, example)) {
    return settingCommand(path, example);
  }
  const around = valueAt(values, path.slice(0, -1));
  // What follows in a list moves up, so that what is new comes last.
  return replacingCommand(path, Array.isArray(around) ? [...path.slice(0, -1), around.length - 1] : path, example);
}

/** @returns commands that take away what is at a path, and set what would be right at a place */
function replacingCommand(path: Path, place: Path, example?: unknown): string {
  return `${removeCommand(path)}    (then, for example, ${settingCommand(place, example)})`;
}

/** Whether `pulumi config set` cannot put an example in the place of what was found. */
function isInTheWay({ code }: Issue, path: Path, found: unknown, example: unknown): boolean {
  const isAtTop = path.length === 1;
  const leaf = leafAt(path, example);
  if (leaf?.path.length === path.length) {
    // Below the top, what is in quotes in the stack's file stays so, which makes text of a number.
    return !isAtTop && typeof found === "string" && typeof leaf.value !== "string";
  }
  // It puts nothing into a value of another kind, other than a plain one at the top, which it replaces.
  const isOther = leaf !== undefined && (typeof leaf.path[path.length] === "number") !== Array.isArray(found);
  return (
    (code === "invalid_type" || code === "invalid_union" || isOther || isPlain(found)) && !(isAtTop && isPlain(found))
  );
}

function settingCommand(path: Path, example?: unknown): string {
  const leaf = leafAt(path, example);
  if (leaf === undefined) {
    return "write it into the stack's file";
  }
  const text = String(leaf.value);
  // Below the top, Pulumi takes text that looks like a number or a boolean for one.
  const isMistaken = leaf.path.length > 1 && typeof leaf.value === "string" && /^(true|false|0|-?[1-9]\d*)$/.test(text);
  return setCommand(leaf.path, text, isMistaken && !lookup.accepts(inArguments(leaf.path), JSON.parse(text)));
}

/** @returns the first plain value in an example, since one command sets no more; undefined where there is none */
function leafAt(
  path: Path,
  example: unknown = lookup.exampleAt(inArguments(path)),
): { path: Path; value: unknown } | undefined {
  if (example === undefined) {
    const [first] = keysAt(path) ?? [];
    return first === undefined ? undefined : leafAt([...path, first]);
  }
  if (isPlain(example)) {
    return { path, value: example };
  }
  const [key = "", inner] = Object.entries(example as object)[0] ?? [];
  return leafAt([...path, Array.isArray(example) ? 0 : key], inner);
}

/** @returns what was found, as the type that the schema takes */
function meantValue(path: Path, found: unknown): unknown {
  const text = isPlain(found) ? String(found) : "";
  const word = text.toLowerCase();
  const meanings = [
    ...(typeof found === "number" || typeof found === "boolean" ? [text] : []),
    ...(/^(0|[1-9]\d{0,14})$/.test(text) ? [Number(text)] : []),
    ...(["true", "yes", "y", "on", "1", "enabled"].includes(word) ? [true] : []),
    ...(["false", "no", "n", "off", "0", "disabled"].includes(word) ? [false] : []),
  ];
  return meanings.find((meaning) => lookup.accepts(inArguments(path), meaning));
}

function isPlain(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}
