import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";

/** One thing that is wrong with the stack's configuration. */
export interface Problem {
  /** Path of the key, such as `manager.replicas`. */
  readonly key: string;
  /** What it is set to, as {@link describeValue} or {@link hidden}; undefined where it is not set, or not worth showing. */
  readonly found?: string;
  /** What would be right. */
  readonly expected: string;
  /** A command, or what else to do. */
  readonly fix: string;
}

/** Stands for a value that must not be shown. */
export const hidden = "[secret]";

/** @returns a value as text that is short and without passwords; undefined where there is none */
export function describeValue(value: unknown): string | undefined {
  if (value === undefined) {
    return undefined;
  }
  const text = JSON.stringify(value).replaceAll(/:\/\/[^\s"]*@/g, `://${hidden}@`);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** A configuration that cannot be deployed; the message names every problem, and how to mend it. */
export class ConfigError extends pulumi.RunError {
  constructor(problems: readonly Problem[]) {
    const lines = problems.map(
      ({ key, found, expected, fix }) =>
        `  ${key}: ${expected}${found === undefined ? "" : `, but is ${found}`}\n    ${fix}`,
    );
    const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
    super(`The stack's configuration has ${count}:\n${lines.join("\n")}\nNothing was created or changed.`);
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
