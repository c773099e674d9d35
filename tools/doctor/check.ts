import type { Fix } from "./fixes/fix.ts";

/** Result of a check. Only a `problem` makes the command fail. */
export type Status = "ok" | "warning" | "problem" | "skipped";

/** Findings of a check. */
export interface Finding {
  readonly status: Status;
  /** What was found, or why it was not checked: one or more lines. */
  readonly found: string;
  /** What to do about it: one or more lines, with an exact command where there is one. */
  readonly todo?: string;
  /** What `--fix` can do about it. */
  readonly fixes?: readonly Fix[];
}

/** One check of a deployed stack. */
export interface Check<Context> {
  /** Stable name, for programs. */
  readonly id: string;
  /** What is true when the check is ok, in a few words. */
  readonly title: string;
  /** Ids of the checks that this one needs; it is skipped if one of them fails. */
  readonly needs?: readonly string[];
  /** Runs the check; an exception counts as a problem. */
  readonly run: (context: Context) => Promise<Finding>;
}

/** A check and its result. */
export interface CheckResult {
  readonly id: string;
  readonly title: string;
  readonly status: Status;
  readonly found: string;
  /** Null if there is nothing to do. */
  readonly todo: string | null;
  /** As in {@link Finding}; not part of the JSON report. */
  readonly fixes?: readonly Fix[];
}

/** Nothing to do. */
export function ok(found: string): Finding {
  return { status: "ok", found };
}

/** Worth knowing, but no reason to fail. */
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

/** Not checked. */
export function skipped(reason: string, todo?: string): Finding {
  return { status: "skipped", found: reason, ...(todo === undefined ? {} : { todo }) };
}
