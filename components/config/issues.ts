import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import { dotted, removeCommand, type Path } from "./commands.ts";
import { mendingCommand, replacingCommand } from "./fixes.ts";
import { hintAt, keysAt, valueAt, type RawConfig } from "./lookup.ts";
import { describeValue, hidden, type Problem } from "./problems.ts";

type Issue = z.core.$ZodIssue;

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

function pathOf(issue: Issue): Path {
  return issue.path as Path;
}

function keyOf(issue: Issue): string {
  return dotted(pathOf(issue));
}

/**
 * @returns the keys, of the first two levels, that issues leave without a meaning: those with a wrong value, those that do
 * not exist, and those that were probably meant by them
 */
export function doubtfulKeys(issues: readonly Issue[]): Path[] {
  return issues
    .flatMap((issue) => {
      const path = pathOf(issue);
      return issue.code === "unrecognized_keys" ? [path, meantKey(path) ?? path] : [path];
    })
    .map((path) => path.slice(0, typeof path[1] === "string" ? 2 : 1));
}

/** @returns what is wrong in people's words, and what mends it */
export function describeIssues(issues: readonly Issue[], raw: RawConfig): Problem[] {
  const problems = issues.map((issue) => describeIssue(issue, raw));
  // A value may break several rules of its key, and one example mends them all.
  return [...Map.groupBy(problems, ({ key, fix }) => `${key}\n${fix}`).values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ...first, expected: [first, ...others].map(({ expected }) => expected).join("; ") }],
  );
}

function describeIssue(issue: Issue, raw: RawConfig): Problem {
  const path = pathOf(issue);
  const key = keyOf(issue);
  if (issue.code === "unrecognized_keys") {
    const meant = meantKey(path);
    return {
      key,
      expected: `there is no such key${meant === undefined ? "" : `; did you mean ${dotted(meant)}?`}`,
      fix: `${removeCommand(path)}    (keys there: ${keysAt(path.slice(0, -1))?.join(", ")})`,
    };
  }
  if (issue.code === "invalid_key") {
    return {
      key,
      found: describeValue(path.at(-1)),
      expected: issue.issues[0]?.message ?? "is no such name",
      fix: replacingCommand(path, path.slice(0, -1)),
    };
  }
  const found = valueAt(raw.values, path);
  const isHidden = found !== undefined && holdsSecret(path, found, raw);
  const detail = issue.code === "custom" && !isHidden ? String(issue.params?.["detail"] ?? "") : "";
  return {
    key,
    found: isHidden ? hidden : describeValue(found),
    expected: `${issue.message}${detail}`,
    fix: mendingCommand(issue, raw, isHidden),
  };
}

/** @returns the path of the key that one that does not exist was probably meant to be */
function meantKey(path: Path): Path | undefined {
  const around = path.slice(0, -1);
  const known = keysAt(around) ?? [];
  const written = String(path.at(-1)).toLowerCase();
  const distanceTo = (key: string) => distance(written, key.toLowerCase());
  const [nearest = ""] = known.toSorted((a, b) => distanceTo(a) - distanceTo(b));
  // A name that shares little with what was written would only mislead.
  const isNear = nearest !== "" && distanceTo(nearest) <= Math.max(2, written.length / 3);
  const meant = isNear ? nearest : known.find((key) => written.length > 3 && key.toLowerCase().endsWith(written));
  return meant === undefined ? undefined : [...around, meant];
}

/** Whether a value is, or may have in it, what nobody should see. */
function holdsSecret(path: Path, found: unknown, { isSecret }: RawConfig): boolean {
  const secrecy = hintAt(path, "secret");
  // Even MinIO wants more of a secret key than five characters and their quotes.
  const mayHoldOne = secrecy === "inside" && JSON.stringify(found).length > 7;
  return isSecret(String(path[0])) || secrecy === true || mayHoldOne;
}
