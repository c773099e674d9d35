import * as pulumi from "@pulumi/pulumi";
import { closest, distance } from "fastest-levenshtein";
import { z } from "zod";

/** Stands for a value that must not be shown. */
export const hidden = Symbol("secret");

/** One thing that is wrong with the stack's configuration. */
export interface Problem {
  /** Path of the key, such as `manager.replicas`. */
  readonly key: string;
  /** What it is set to, or {@link hidden}; undefined where it is not set, or where showing it says nothing. */
  readonly found?: unknown;
  /** What would be right. */
  readonly expected: string;
  /** A command, or what else to do. */
  readonly fix: string;
}

/** A configuration that cannot be deployed; the message names every problem, and how to mend it. */
export class ConfigError extends pulumi.RunError {
  constructor(problems: readonly Problem[]) {
    const lines = problems.map(
      ({ key, found, expected, fix }) =>
        `  ${key}: ${expected}${found === undefined ? "" : `, but is ${describeValue(found)}`}\n    ${fix}`,
    );
    const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
    super(`The stack's configuration has ${count}:\n${lines.join("\n")}\nNothing was created or changed.`);
  }
}

function describeValue(found: unknown): string {
  if (found === hidden) {
    return "[secret]";
  }
  // A password in an address is nobody's business.
  const text = JSON.stringify(found).replaceAll(/:\/\/[^\s"]*@/g, "://[secret]@");
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** A raw configuration, by key, and which of its keys hold a secret. */
export interface RawConfig {
  readonly values: Readonly<Record<string, unknown>>;
  readonly isSecret: (key: string) => boolean;
}

/** Where a value is: `["jobs", "tolerations", 0]`. */
export type Path = readonly (string | number)[];

/** @returns what a schema finds wrong with a configuration, in people's words, one problem a key */
export function describeIssues(schema: z.ZodObject, raw: RawConfig, issues: readonly z.core.$ZodIssue[]): Problem[] {
  const all = issues.flatMap(withoutUnions);
  // Of text in place of a list, Zod also says that it is too short.
  const otherTypes = new Set(all.filter(({ code }) => code === "invalid_type").map((issue) => dotted(pathOf(issue))));
  const problems = all
    .filter((issue) => issue.code === "invalid_type" || !otherTypes.has(dotted(pathOf(issue))))
    .flatMap((issue) => describeIssue(schema, raw, issue));
  // A value may break several rules of its key, and one example mends them all.
  return [...Map.groupBy(problems, ({ key, fix }) => `${key}\n${fix}`).values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ...first, expected: [first, ...others].map(({ expected }) => expected).join("; ") }],
  );
}

/**
 * @returns the keys, of the first two levels, that issues leave without a meaning: those with a wrong value, those that do
 * not exist, and those that were probably meant by them
 */
export function doubtfulKeys(schema: z.ZodObject, issues: readonly z.core.$ZodIssue[]): Path[] {
  return issues
    .flatMap(withoutUnions)
    .flatMap((issue) => {
      const path = pathOf(issue);
      return issue.code === "unrecognized_keys"
        ? issue.keys.flatMap((key) => [key, meantKey(keysAt(schema, path), key) ?? key].map((part) => [...path, part]))
        : [path];
    })
    .map((path) => path.slice(0, typeof path[1] === "string" ? 2 : 1));
}

/** Of a union's alternatives, the one that the value was meant to be knows best what is wrong with it. */
function withoutUnions(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  const inner =
    issue.code === "invalid_union"
      ? issue.errors.find((errors) =>
          errors.some(({ path: [first], code }) => first !== undefined || code === "unrecognized_keys"),
        )
      : undefined;
  return inner === undefined
    ? [issue]
    : inner.flatMap((error) => withoutUnions({ ...error, path: [...issue.path, ...error.path] }));
}

function pathOf(issue: z.core.$ZodIssue): Path {
  return issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
}

function describeIssue(schema: z.ZodObject, raw: RawConfig, issue: z.core.$ZodIssue): Problem[] {
  const path = pathOf(issue);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(schema, path, key));
    case "invalid_key":
      return [
        {
          key: dotted(path),
          found: path.at(-1),
          expected: issue.issues[0]?.message ?? "is no such name",
          fix: `${removeCommand(path)}    (then, for example, ${setCommand(schema, path.slice(0, -1))})`,
        },
      ];
    default: {
      const found = valueAt(raw, path);
      const isHidden = found !== undefined && holdsSecret(schema, raw, path, found);
      const meant = meantValue(schema, path, found);
      const { example, detail = "" } = issue.code === "custom" ? (issue.params ?? {}) : { example: meant };
      return [
        {
          key: dotted(path),
          found: isHidden ? hidden : found,
          expected: `${issue.message}${isHidden ? "" : String(detail)}`,
          fix:
            isHidden && typeof meant === "string" && issue.code === "invalid_type"
              ? `pulumi config set --secret --type string ${pathArgument(path)}    (asks for it)`
              : mendingCommand(schema, raw, issue, isHidden ? undefined : example),
        },
      ];
    }
  }
}

function unknownKey(schema: z.ZodObject, path: Path, key: string): Problem {
  const known = keysAt(schema, path);
  const meant = meantKey(known, key);
  return {
    key: dotted([...path, key]),
    expected: `there is no such key${meant === undefined ? "" : `; did you mean ${dotted([...path, meant])}?`}`,
    fix: `${removeCommand([...path, key])}    (keys there: ${known.join(", ")})`,
  };
}

function keysAt(schema: z.ZodObject, path: Path): string[] {
  const at = schemasAt(schema, path, true).at(-1);
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** A name that shares little with what was written would only mislead. */
function meantKey(known: readonly string[], key: string): string | undefined {
  const written = key.toLowerCase();
  const names = known.map((name) => name.toLowerCase());
  const nearest = names.length === 0 ? "" : closest(written, names);
  const isNear = nearest !== "" && distance(written, nearest) <= Math.max(2, written.length / 3);
  return isNear
    ? known[names.indexOf(nearest)]
    : known.find((_, index) => written.length > 3 && names[index]?.endsWith(written));
}

function valueAt(raw: RawConfig, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) => (value as Record<string | number, unknown> | null | undefined)?.[part],
    raw.values,
  );
}

/** Whether a value is, or may have in it, what nobody should see. */
function holdsSecret(schema: z.ZodObject, raw: RawConfig, path: Path, found: unknown): boolean {
  const secrecy = schemasAt(schema, path).map((at) => at.meta()?.["secret"]);
  // Even MinIO wants more of a secret key than five characters and their quotes.
  const mayHoldOne = JSON.stringify(found).length > 7;
  return raw.isSecret(String(path[0])) || secrecy.includes(true) || (secrecy.includes("inside") && mayHoldOne);
}

/** @returns a command that mends an issue, by a value that would be right if there is one */
function mendingCommand(schema: z.ZodObject, raw: RawConfig, issue: z.core.$ZodIssue, example: unknown): string {
  const path = pathOf(issue);
  const at = schemasAt(schema, path);
  const own = at.map((schemaAtPath) => schemaAtPath.meta()?.["fix"]).find((fix) => typeof fix === "string");
  if (own !== undefined) {
    return own;
  }
  if (issue.code === "too_big" && issue.origin === "array") {
    return `${removeCommand([...path, Number(issue.maximum)])}    (and all after it)`;
  }
  const found = valueAt(raw, path);
  const value = example ?? exampleOf(schema, path);
  // `pulumi config set` puts nothing into a value of another kind, other than a plain one at the top, which it replaces.
  const isOtherKind = issue.code === "invalid_type" || issue.code === "invalid_union";
  const isInTheWay = isOtherKind && isContainer(at.at(-1)) && !(path.length === 1 && isPlain(found));
  // And what is in quotes in the stack's file stays so, which makes text of a number.
  const wouldBeText = path.length > 1 && typeof found === "string" && isPlain(value) && typeof value !== "string";
  if (found === undefined || !(isInTheWay || (wouldBeText && !at[0]?.safeParse(String(value)).success))) {
    return setCommand(schema, path, example);
  }
  const around = valueAt(raw, path.slice(0, -1));
  // What follows in a list moves up, so that what is new comes last.
  const place = Array.isArray(around) ? [...path.slice(0, -1), around.length - 1] : path;
  return `${removeCommand(path)}    (then, for example, ${setCommand(schema, place, example)})`;
}

function isContainer(schema: z.ZodType | undefined): boolean {
  return schema instanceof z.ZodObject || isRepeated(schema);
}

function isPlain(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}

/** @returns what was found, as the type that the schema takes */
function meantValue(schema: z.ZodObject, path: Path, found: unknown): unknown {
  const text = isPlain(found) ? String(found) : "";
  const word = text.toLowerCase();
  const meanings = [
    ...(typeof found === "number" || typeof found === "boolean" ? [text] : []),
    ...(/^(0|[1-9]\d{0,14})$/.test(text) ? [Number(text)] : []),
    ...(["true", "yes", "y", "on", "1", "enabled"].includes(word) ? [true] : []),
    ...(["false", "no", "n", "off", "0", "disabled"].includes(word) ? [false] : []),
  ];
  return meanings.find((meaning) => schemasAt(schema, path)[0]?.safeParse(meaning).success);
}

/** @returns a command that sets the value at a path to one that would be right */
export function setCommand(schema: z.ZodObject, path: Path, example?: unknown): string {
  const at = schemasAt(schema, path);
  const value = example ?? exampleOf(schema, path);
  const innermost = at.at(-1);
  if (Array.isArray(value)) {
    return setCommand(schema, [...path, 0], value[0]);
  }
  if (typeof value === "object" && value !== null && Object.keys(value).length > 0) {
    const [key = "", inner] = Object.entries(value)[0] ?? [];
    return setCommand(schema, [...path, key], inner);
  }
  if (innermost instanceof z.ZodObject) {
    const [first] = Object.keys(innermost.shape);
    return first === undefined ? "write it into the stack's file" : setCommand(schema, [...path, first]);
  }
  if (at.some((schemaAtPath) => schemaAtPath.meta()?.["secret"] === true)) {
    return `pulumi config set --secret ${pathArgument(path)}    (asks for it)`;
  }
  const text = typeof value === "string" ? value : JSON.stringify(value ?? "VALUE");
  // Below the top, Pulumi takes text that looks like a number or a boolean for one.
  const isMistaken =
    path.length > 1 &&
    typeof value === "string" &&
    /^(true|false|0|-?[1-9]\d*)$/.test(value) &&
    !at[0]?.safeParse(JSON.parse(value)).success;
  const type = isMistaken ? "--type string " : "";
  // Else it refuses names of Secrets, which it takes for secrets.
  const plaintext = path.some((part) => /secrets?$/i.test(String(part))) ? "--plaintext " : "";
  const dashes = text.startsWith("-") ? "-- " : "";
  return `pulumi config set ${plaintext}${type}${pathArgument(path)} ${dashes}${shellQuote(text)}`;
}

/** @returns a command that takes the key at a path out of the configuration */
export function removeCommand(path: Path): string {
  return `pulumi config rm ${pathArgument(path)}`;
}

/** A path as `pulumi config` takes it; see https://www.pulumi.com/docs/iac/concepts/config/#structured-configuration */
function pathArgument(path: Path): string {
  return path.length === 1 ? shellQuote(String(path[0])) : `--path ${shellQuote(dotted(path))}`;
}

/** @returns a path for people: `jobs.nodeSelector["kubernetes.io/arch"]`, `tags[0]` */
export function dotted(path: Path): string {
  return path
    .map((part, index) =>
      typeof part === "number"
        ? `[${part}]`
        : /^[\w-]+$/.test(part)
          ? `${index === 0 ? "" : "."}${part}`
          : `["${part.replaceAll('"', '\\"')}"]`,
    )
    .join("");
}

function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** @returns the example of a schema, else one out of the list or record that it is in, else what it is when it is not set */
function exampleOf(schema: z.ZodObject, path: Path): unknown {
  const at = schemasAt(schema, path);
  const around = path.length === 0 ? [] : schemasAt(schema, path.slice(0, -1));
  const parts = isRepeated(around.at(-1)) ? Object.entries(exampleIn(around) ?? {}) : [];
  const [, part] = parts.find(([key]) => key === path.at(-1)) ?? parts[0] ?? [];
  return exampleIn(at) ?? part ?? defaultIn(at);
}

function isRepeated(schema: z.ZodType | undefined): boolean {
  return schema instanceof z.ZodArray || schema instanceof z.ZodRecord;
}

function exampleIn(schemas: readonly z.ZodType[]): unknown {
  return schemas.map((schema) => schema.meta()?.["example"]).find((example) => example !== undefined);
}

function defaultIn(schemas: readonly z.ZodType[]): unknown {
  return schemas.find((schema) => schema instanceof z.ZodDefault)?.def.defaultValue;
}

/**
 * @param inside whether a union at the path stands for its alternative with keys; one on the way there always does
 * @returns the schema at a path with all its wrappers, the outermost first
 */
function schemasAt(schema: z.ZodType, path: Path, inside = false): z.ZodType[] {
  const wrappers = unwrap(schema, inside || path.length > 0);
  const [part, ...rest] = path;
  if (part === undefined) {
    return wrappers;
  }
  const innermost = wrappers.at(-1);
  const next =
    innermost instanceof z.ZodObject
      ? (innermost.shape as Record<string, z.ZodType>)[part]
      : innermost instanceof z.ZodArray
        ? (innermost.element as z.ZodType)
        : innermost instanceof z.ZodRecord
          ? (innermost.valueType as z.ZodType)
          : undefined;
  return next === undefined ? [] : schemasAt(next, rest, inside);
}

function unwrap(schema: z.ZodType, inside: boolean): z.ZodType[] {
  const inner =
    schema instanceof z.ZodDefault || schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault
      ? (schema.unwrap() as z.ZodType)
      : schema instanceof z.ZodPipe
        ? (schema.def.in as z.ZodType)
        : schema instanceof z.ZodUnion
          ? (schema.options as z.ZodType[]).find((option) => !inside || option instanceof z.ZodObject)
          : undefined;
  return inner === undefined ? [schema] : [schema, ...unwrap(inner, inside)];
}

/** Zod's messages in this program's words; see https://zod.dev/error-customization#per-parse-error-customization */
export function errorMessage(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type": {
      const types: Readonly<Record<string, string>> = {
        int: "a whole number",
        number: "a whole number",
        string: "text",
        boolean: "true or false",
        array: "a list",
        object: "an object with keys",
        record: "an object with keys",
      };
      return `must be ${types[issue.expected] ?? issue.expected}`;
    }
    case "too_small":
      return issue.origin === "array" || issue.origin === "string"
        ? "must not be empty"
        : `must be at least ${String(issue.minimum)}`;
    case "too_big":
      return issue.origin === "string"
        ? `must have ${String(issue.maximum)} characters at most`
        : issue.origin === "array"
          ? `must have ${String(issue.maximum)} entries at most`
          : `must be at most ${String(issue.maximum)}`;
    case "invalid_value":
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    default:
      return undefined;
  }
}
