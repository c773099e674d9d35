import { inspect } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import type { Path } from "./path.ts";

/** One thing that is wrong with the settings. */
export interface Problem {
  /** Where it is, as its author writes it: `manager.replicas`. */
  readonly key: string;
  /** What it is set to, as {@link describeValue} or {@link hidden}; undefined where it is not set, or not worth showing. */
  readonly found?: string;
  /** What would be right. */
  readonly expected: string;
  /** What to do about it. @defaultValue what `expected` says */
  readonly fix?: string;
}

/** A change of the settings. */
export type Change = { readonly remove: Path } | { readonly set: Path; readonly to: string | number | boolean };

/** What to do about a contradiction. */
export interface Fix {
  readonly first: Change | { readonly run: string };
  /** What to do after it. */
  readonly then?: Change;
  /** What to do in its place. */
  readonly or?: Change;
  /** What else to know. */
  readonly note?: string;
}

/** Settings that contradict each other. */
export interface Contradiction {
  /** The one to change. */
  readonly path: Path;
  /** What would be right. */
  readonly expected: string;
  /** What to add to it: another value that it depends on. @defaultValue nothing */
  readonly detail?: string;
  /** What to add where values must not be shown. @defaultValue nothing */
  readonly secretDetail?: string;
  /** @defaultValue to remove it */
  readonly fix?: Fix;
  /** The fix where values must not be shown. @defaultValue `fix` */
  readonly secretFix?: Fix;
  /** What to show as its value; null for nothing. @defaultValue its value */
  readonly found?: unknown;
  /** All that `detail` and `fix` may show. @defaultValue what is at `path` */
  readonly reads?: readonly Path[];
}

/** Stands for a value that must not be shown. */
export const hidden = "[secret]";

/** @returns a value as text that is short and without passwords or keys; undefined where there is none */
export function describeValue(value: unknown): string | undefined {
  if (value === undefined) {
    return undefined;
  }
  const text = asText(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** A value as JSON; what no JSON is, such as a function of a program, as Node.js shows it. */
function asText(value: unknown): string {
  const hide = (_: string, inner: unknown) => (typeof inner === "string" ? withoutSecrets(inner) : inner);
  try {
    const text = JSON.stringify(value, hide) as string | undefined; // Its type says that it has always text.
    return text ?? inspect(value);
  } catch {
    return withoutSecrets(inspect(value, { depth: 2, breakLength: Infinity }));
  }
}

/** Hides the password of `http://me:password@proxy` and `me:password@proxy`, and PEM; what is before a digest is no password. */
function withoutSecrets(text: string): string {
  const [open = ""] = text.split("-----BEGIN", 1);
  let end = open.lastIndexOf("@");
  while (end > 0 && open.startsWith("@sha256:", end)) {
    end = open.lastIndexOf("@", end - 1);
  }
  const scheme = open.indexOf("://");
  const start = scheme >= 0 && scheme < end ? scheme + "://".length : 0;
  const mayHoldOne = end >= 0 && (start > 0 || open.lastIndexOf(":", end) >= 0);
  const shown = mayHoldOne ? `${open.slice(0, start)}${hidden}${open.slice(end)}` : open;
  return open === text ? shown : `${shown}${hidden}`;
}

/** As many problems as one reads at a time. */
const most = 100;

/** Settings that cannot be deployed; the message names the problems, and how to fix each. */
export class ConfigError extends pulumi.RunError {
  /**
   * @param subject what has the problems
   * @param problems all of them
   */
  constructor(subject: string, problems: readonly Problem[]) {
    const lines = problems
      .slice(0, most)
      .map(
        ({ key, found, expected, fix }) =>
          `  ${key}: ${expected}${found === undefined ? "" : `, but is ${found}`}${fix === undefined ? "" : `\n    ${fix}`}`,
      );
    const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
    const others = problems.length > most ? `\n  and ${problems.length - most} more` : "";
    super(`${subject} has ${count}:\n${lines.join("\n")}${others}\nNothing was created or changed.`);
  }
}

/** Zod's messages in this program's words; see https://zod.dev/error-customization#per-parse-error-customization */
export function errorMessage(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${typeNames[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "too_small":
      return issue.origin in countedParts ? "must not be empty" : `must be at least ${String(issue.minimum)}`;
    case "too_big": {
      const parts = countedParts[issue.origin];
      const maximum = String(issue.maximum);
      return parts === undefined ? `must be at most ${maximum}` : `must have ${maximum} ${parts} at most`;
    }
    case "invalid_union":
      return "must be plain text, a number, true, false, a list or an object"; // Of z.json(); others have their own.
    default:
      return undefined;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a whole number",
  string: "text",
  boolean: "true or false",
  array: "a list",
  object: "an object with keys",
  record: "an object with keys",
};

const countedParts: Readonly<Record<string, string>> = { string: "characters", array: "entries" };
