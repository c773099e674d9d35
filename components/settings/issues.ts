import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import { dotted, type Path } from "./path.ts";

/** What Zod finds wrong with one value. */
export type Issue = z.core.$ZodIssue;

/** @returns what Zod finds wrong, each thing once, at the path of one key */
export function readIssues(error: z.ZodError | undefined): Issue[] {
  const issues = (error?.issues ?? []).flatMap(issuesIn);
  // Of text in place of a list, Zod also says that it is too short.
  const otherTypes = new Set(issues.filter(({ code }) => code === "invalid_type").map(keyOf));
  return issues.filter((issue) => issue.code === "invalid_type" || !otherTypes.has(keyOf(issue)));
}

function issuesIn(issue: Issue): Issue[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ ...issue, path: [...issue.path, key] }));
  }
  // Of a union's alternatives, the one that the value was meant to be knows best what is wrong with it.
  const alternatives = issue.code === "invalid_union" ? issue.errors : [];
  const meant = alternatives.find((errors) =>
    errors.some(({ path, code }) => path.length > 0 || code === "unrecognized_keys"),
  );
  return meant?.flatMap((inner) => issuesIn({ ...inner, path: [...issue.path, ...inner.path] })) ?? [issue];
}

/** @returns where an issue is */
export function pathOf(issue: Issue): Path {
  return issue.path as Path;
}

function keyOf(issue: Issue): string {
  return dotted(pathOf(issue));
}

/** @returns the key that one that does not exist was probably meant to be */
export function meantKey(written: string, known: readonly string[]): string | undefined {
  const text = written.slice(0, 100).toLowerCase(); // No key is as long, and to compare long texts takes long.
  const distanceTo = (key: string) => distance(text, key.toLowerCase());
  const [nearest = ""] = known.toSorted((a, b) => distanceTo(a) - distanceTo(b));
  // A name that shares little with what was written would only mislead.
  const isNear = nearest !== "" && distanceTo(nearest) <= Math.max(2, text.length / 3);
  return isNear ? nearest : known.find((key) => text.length > 3 && key.toLowerCase().endsWith(text));
}
