import type { Fix } from "./fixes/fix.ts";

/** How a check ended. Only a `problem` makes the command fail. */
export type Status = "ok" | "warning" | "problem" | "skipped";

/** What a check has found. */
export interface Finding {
  readonly status: Status;
  /** What is there, or why it was not looked at: one or more lines. */
  readonly found: string;
  /** What to do about it: one or more lines, with an exact command where there is one. */
  readonly todo?: string;
  /** What `--fix` can do about it. */
  readonly fixes?: readonly Fix[];
}

/** One question to a deployed stack. */
export interface Check<Context> {
  /** Name for programs; stable. */
  readonly id: string;
  /** What is so when the check is ok, in a few words. */
  readonly title: string;
  /** Ids of the checks that must not fail first; this one is skipped where they do. */
  readonly needs?: readonly string[];
  /** Looks; what it throws is a problem, too. */
  readonly run: (context: Context) => Promise<Finding>;
}

/** A check and how it ended. */
export interface CheckResult {
  readonly id: string;
  readonly title: string;
  readonly status: Status;
  readonly found: string;
  /** Null where there is nothing to do. */
  readonly todo: string | null;
  /** As in {@link Finding}; no part of the JSON report. */
  readonly fixes?: readonly Fix[];
}

/** Nothing to do. */
export function ok(found: string): Finding {
  return { status: "ok", found };
}

/** Worth to know, and no reason to fail. */
export function warning(found: string, todo: string, ...fixes: readonly (Fix | undefined)[]): Finding {
  return { status: "warning", found, todo, ...fixable(fixes) };
}

/** To be fixed. */
export function problem(found: string, todo: string, ...fixes: readonly (Fix | undefined)[]): Finding {
  return { status: "problem", found, todo, ...fixable(fixes) };
}

function fixable(fixes: readonly (Fix | undefined)[]): Pick<Finding, "fixes"> {
  const known = fixes.filter((fix) => fix !== undefined);
  return known.length === 0 ? {} : { fixes: known };
}

/** Not looked at. */
export function skipped(reason: string, todo?: string): Finding {
  return { status: "skipped", found: reason, ...(todo === undefined ? {} : { todo }) };
}
