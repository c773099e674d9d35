/** How a check ended. Only a `problem` makes the command fail. */
export type Status = "ok" | "warning" | "problem" | "skipped";

/** What a check has found. */
export interface Finding {
  readonly status: Status;
  /** What is there, or why it was not looked at: one or more lines. */
  readonly found: string;
  /** What to do about it: one or more lines, with an exact command where there is one. */
  readonly todo?: string;
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
}

/** Nothing to do. */
export function ok(found: string): Finding {
  return { status: "ok", found };
}

/** Worth to know, and no reason to fail. */
export function warning(found: string, todo: string): Finding {
  return { status: "warning", found, todo };
}

/** To be mended. */
export function problem(found: string, todo: string): Finding {
  return { status: "problem", found, todo };
}

/** Not looked at. */
export function skipped(reason: string, todo?: string): Finding {
  return { status: "skipped", found: reason, ...(todo === undefined ? {} : { todo }) };
}
