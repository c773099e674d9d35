import { parseBody } from "hono/utils/body";
import { z } from "zod";
import { invalidParameters } from "./errors.ts";

/** Parameters of a call, from its query and its body. */
export type Parameters = Record<string, unknown>;

function emptyParameters(): Parameters {
  // No prototype, so that a parameter such as `__proto__` has no special meaning.
  return Object.create(null) as Parameters;
}

function isParameters(value: unknown): value is Parameters {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Stores a form field under the path in its name: `a`, `a[]` for lists, `a[b]` for objects. */
function assign(target: Parameters, name: string, value: string): void {
  const path = name.replaceAll("]", "").split("[");
  let place = target;
  for (const [index, key] of path.entries()) {
    const next = path[index + 1];
    if (next === undefined) {
      place[key] = value;
    } else if (next === "" || (/^\d+$/.test(next) && path.length === index + 2)) {
      const list = Array.isArray(place[key]) ? (place[key] as unknown[]) : [];
      list.push(value);
      place[key] = list;
      return;
    } else {
      const inner = isParameters(place[key]) ? place[key] : emptyParameters();
      place[key] = inner;
      place = inner;
    }
  }
}

function fromEntries(entries: Iterable<readonly [string, unknown]>): Parameters {
  const parameters = emptyParameters();
  for (const [name, value] of entries) {
    if (typeof value === "string") {
      assign(parameters, name, value);
    }
  }
  return parameters;
}

async function fromBody(body: Buffer<ArrayBuffer>, contentType: string): Promise<Parameters> {
  if (body.length === 0) {
    return emptyParameters();
  }
  const type = contentType.split(";", 1)[0]?.trim().toLowerCase();
  if (type === "application/x-www-form-urlencoded" || type === "multipart/form-data") {
    const headers = { "content-type": contentType };
    const form = await parseBody(new Request("http://form", { method: "POST", body, headers }), { all: true });
    return fromEntries(
      Object.entries(form).flatMap(([name, value]) => [value].flat().map((one) => [name, one] as const)),
    );
  }
  if (type !== "application/json") {
    return emptyParameters();
  }
  const parsed: unknown = JSON.parse(body.toString());
  return isParameters(parsed) ? parsed : emptyParameters();
}

/**
 * Reads the parameters of a call from query and body, which may be JSON, URL-encoded or multipart; a body of
 * any other type has none. Throws a 400 if the body does not match its type.
 */
export async function readParameters(
  query: URLSearchParams,
  body: Buffer<ArrayBuffer>,
  contentType: string,
): Promise<Parameters> {
  try {
    return Object.assign(fromEntries(query), await fromBody(body, contentType));
  } catch {
    throw invalidParameters("message body does not match declared format");
  }
}

function problem(issue: z.core.$ZodIssue, parameters: Parameters): string {
  if (issue.code === "custom") {
    return issue.message;
  }
  const [first, ...rest] = issue.path.map(String);
  const name = [first, ...rest.map((key) => `[${key}]`)].join("");
  let value: unknown = parameters;
  for (const key of issue.path) {
    value = isParameters(value) ? value[String(key)] : undefined;
  }
  if (value === undefined || value === null) {
    return `${name} is missing`;
  }
  const wrongWord = issue.code === "invalid_value" || issue.code === "invalid_union";
  return wrongWord ? `${name} does not have a valid value` : `${name} is invalid`;
}

/** Checks parameters; throws a 400 with all problems in GitLab's format. */
export function parseParameters<T extends z.ZodType>(schema: T, parameters: Parameters): z.output<T> {
  const result = schema.safeParse(parameters);
  if (result.success) {
    return result.data;
  }
  throw invalidParameters(result.error.issues.map((issue) => problem(issue, parameters)).join(", "));
}

const booleanWords = new Map([
  ["true", true],
  ["t", true],
  ["1", true],
  ["on", true],
  ["false", false],
  ["f", false],
  ["0", false],
  ["off", false],
]);

function toInteger(value: unknown): unknown {
  if (value === "") {
    return null;
  }
  return typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
}

function toBoolean(value: unknown): unknown {
  if (value === "") {
    return null;
  }
  if (value === 0 || value === 1) {
    return value === 1;
  }
  return typeof value === "string" ? (booleanWords.get(value.toLowerCase()) ?? value) : value;
}

function toTags(value: unknown): unknown {
  if (value === null) {
    return value;
  }
  const parts: unknown[] = Array.isArray(value) ? value : [value];
  if (!parts.every((part) => typeof part === "string" || typeof part === "number")) {
    return value;
  }
  const tags = parts.flatMap((part) => String(part).split(","));
  return [...new Set(tags.map((tag) => tag.trim()).filter((tag) => tag !== ""))];
}

/** A required integer; also as form text. */
export const integer = z.preprocess(toInteger, z.int());
/** An optional integer; may be null. */
export const optionalInteger = z.preprocess(toInteger, z.int().nullable()).optional();
/** An optional boolean; may be null; also as form text. */
export const optionalBoolean = z.preprocess(toBoolean, z.boolean().nullable()).optional();
/** Tags as a list or as text with commas; without empty ones and duplicates. */
export const optionalTags = z.preprocess(toTags, z.array(z.string()).nullable()).optional();
/** Optional text; may be null. */
export const optionalText = z.string().nullish();
/** Optional; one of the given words. */
export function optionalWord<const T extends readonly [string, ...string[]]>(words: T) {
  return z.preprocess((value) => (value === "" ? null : value), z.enum(words).nullable()).optional();
}
