import * as pulumi from "@pulumi/pulumi";
import { closest, distance } from "fastest-levenshtein";
import { z } from "zod";

/** One thing that is wrong with the stack's configuration. */
export interface Problem {
  /** Path of the key, such as `manager.replicas`. */
  readonly key: string;
  /** What it is set to; undefined where it is not set, or where showing it says nothing. */
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
        `  ${key}: ${expected}${found === undefined ? "" : `, but is ${JSON.stringify(found)}`}\n    ${fix}`,
    );
    const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
    super(`The stack's configuration has ${count}:\n${lines.join("\n")}\nNothing was created or changed.`);
  }
}

/** A raw configuration, by key, and which of its keys hold a secret. */
export interface RawConfig {
  readonly values: Readonly<Record<string, unknown>>;
  readonly isSecret: (key: string) => boolean;
}

type Path = readonly (string | number)[];

/** @returns what a schema finds wrong with a configuration, in people's words */
export function describeIssues(schema: z.ZodObject, raw: RawConfig, issues: readonly z.core.$ZodIssue[]): Problem[] {
  return issues.flatMap((issue) => describeIssue(schema, raw, issue));
}

function describeIssue(schema: z.ZodObject, raw: RawConfig, issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(schema, path, key));
    case "invalid_union":
      return describeUnion(schema, raw, path, issue);
    case "invalid_key": {
      const key = String(path.at(-1));
      return [
        {
          key: dotted(path),
          found: key,
          expected: issue.issues[0]?.message ?? "is no such name",
          fix: `${removeCommand(path)}    (then, for example: ${setCommand(schema, path.slice(0, -1))})`,
        },
      ];
    }
    default: {
      const example: unknown = issue.code === "custom" ? issue.params?.["example"] : undefined;
      return [
        {
          key: dotted(path),
          found: shown(raw, schema, path),
          expected: issue.message,
          fix: setCommand(schema, path, example),
        },
      ];
    }
  }
}

/** Of the alternatives, the one that the value was meant to be knows best what is wrong with it. */
function describeUnion(
  schema: z.ZodObject,
  raw: RawConfig,
  path: Path,
  issue: z.core.$ZodIssueInvalidUnion,
): Problem[] {
  const inner = issue.errors.find((errors) =>
    errors.some(({ path: [first], code }) => first !== undefined || code === "unrecognized_keys"),
  );
  return inner === undefined
    ? [{ key: dotted(path), found: shown(raw, schema, path), expected: issue.message, fix: setCommand(schema, path) }]
    : inner.flatMap((error) => describeIssue(schema, raw, { ...error, path: [...path, ...error.path] }));
}

function unknownKey(schema: z.ZodObject, path: Path, key: string): Problem {
  const at = schemaAt(schema, path);
  const known = at instanceof z.ZodObject ? Object.keys(at.shape) : [];
  const suggestion = closest(key, known);
  // A name that shares nothing with what was written would only mislead.
  const isLikely =
    known.length > 0 && distance(key.toLowerCase(), suggestion.toLowerCase()) <= Math.max(2, key.length / 2);
  const meant = dotted([...path, suggestion]);
  return {
    key: dotted([...path, key]),
    expected: `there is no such key${isLikely ? `; did you mean ${meant}?` : ""}`,
    fix: `${removeCommand([...path, key])}    (keys there: ${known.join(", ")})`,
  };
}

/** @returns the value at a path, or a mask where it is a secret */
function shown(raw: RawConfig, schema: z.ZodObject, path: Path): unknown {
  const found = path.reduce<unknown>(
    (value, part) => (value as Record<string | number, unknown> | null | undefined)?.[part],
    raw.values,
  );
  const secret = raw.isSecret(String(path[0])) || schemasAt(schema, path).some((at) => at.meta()?.["secret"] === true);
  return secret && found !== undefined ? "[secret]" : found;
}

/** @returns a command that sets the value at a path to one that would be right */
export function setCommand(schema: z.ZodObject, path: Path, example?: unknown): string {
  const at = schemasAt(schema, path);
  const value = example ?? exampleOf(at);
  const innermost = at.at(-1);
  if (Array.isArray(value)) {
    return value.length > 0 || !(innermost instanceof z.ZodArray)
      ? setCommand(schema, [...path, 0], value[0])
      : setCommand(schema, [...path, 0]);
  }
  if (typeof value === "object" && value !== null && Object.keys(value).length > 0) {
    const [key = "", inner] = Object.entries(value)[0] ?? [];
    return setCommand(schema, [...path, key], inner);
  }
  if (innermost instanceof z.ZodObject) {
    const [first = ""] = Object.keys(innermost.shape);
    return setCommand(schema, [...path, first]);
  }
  if (innermost instanceof z.ZodArray) {
    return setCommand(schema, [...path, 0]);
  }
  const secret = at.some((schemaAtPath) => schemaAtPath.meta()?.["secret"] === true);
  return `pulumi config set ${secret ? "--secret " : ""}${pathArgument(path)} ${shellQuote(textOf(value))}`;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : value === undefined ? "VALUE" : JSON.stringify(value);
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
          : `["${part}"]`,
    )
    .join("");
}

function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function exampleOf(schemas: readonly z.ZodType[]): unknown {
  for (const schema of schemas.toReversed()) {
    const example = schema.meta()?.["example"];
    if (example !== undefined) {
      return example;
    }
    if (schema instanceof z.ZodDefault) {
      return schema.def.defaultValue;
    }
    if (schema instanceof z.ZodEnum) {
      return schema.options[0];
    }
    if (schema instanceof z.ZodBoolean) {
      return true;
    }
  }
  return undefined;
}

function schemaAt(schema: z.ZodType, path: Path): z.ZodType | undefined {
  return schemasAt(schema, path).at(-1);
}

/** @returns the schema at a path with all its wrappers, the outermost first */
function schemasAt(schema: z.ZodType, path: Path): z.ZodType[] {
  const wrappers = unwrap(schema, path.length > 0);
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
  return next === undefined ? [] : schemasAt(next, rest);
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
        number: issue.input === undefined || !Number.isFinite(issue.input) ? "a number" : "a whole number",
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
