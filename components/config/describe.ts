import { meantKey, pathOf, type Issue } from "../settings/issues.ts";
import { hintAt } from "../settings/lookup.ts";
import { dotted, valueAt, type Path } from "../settings/path.ts";
import { describeValue, hidden, type Contradiction, type Problem } from "../settings/problems.ts";
import { fixCommands, removeCommand } from "./commands.ts";
import { fixingCommand, replacingCommand } from "./fixes.ts";
import { inArguments, inStack, keysAt } from "./stack-keys.ts";

/** The configuration as it is in the stack's file, by key, and which of its keys are encrypted. */
export interface RawConfig {
  readonly values: Readonly<Record<string, unknown>>;
  readonly isSecret: (key: string) => boolean;
}

/**
 * @param issues what is wrong with single values, at their paths in the arguments
 * @returns what is wrong in people's words, and the command that fixes it
 */
export function describeIssues(issues: readonly Issue[], raw: RawConfig): Problem[] {
  const problems = issues.map((issue) => describeIssue({ ...issue, path: [...inStack(pathOf(issue))] }, raw));
  // A value may break several rules of its key, and one example fixes them all.
  return [...Map.groupBy(problems, ({ key, fix }) => `${key}\n${fix}`).values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ...first, expected: [first, ...others].map(({ expected }) => expected).join("; ") }],
  );
}

function describeIssue(issue: Issue, raw: RawConfig): Problem {
  const path = pathOf(issue);
  const key = dotted(path);
  if (issue.code === "unrecognized_keys") {
    const meant = meantPath(path);
    return {
      key,
      expected: `there is no such key${meant === undefined ? "" : `; did you mean ${dotted(inStack(meant))}?`}`,
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
    fix: fixingCommand(issue, raw.values, isHidden),
  };
}

/**
 * @param settings complete settings
 * @returns a contradiction in people's words, and the command that fixes it
 */
export function describeContradiction(
  contradiction: Contradiction,
  settings: object,
  { isSecret }: RawConfig,
): Problem {
  const { path, expected, detail = "", secretDetail = "", fix, secretFix } = contradiction;
  const found = contradiction.found ?? valueAt(settings, path);
  const isHidden = found !== undefined && isSecret(String(inStack(path)[0]));
  const way = isHidden ? (secretFix ?? fix) : fix;
  return {
    key: dotted(inStack(path)),
    expected: `${expected}${isHidden ? secretDetail : detail}`,
    found: contradiction.found === null ? undefined : isHidden ? hidden : describeValue(found),
    fix: way === undefined ? (hintAt(path, "fix") ?? removeCommand(inStack(path))) : fixCommands(way),
  };
}

/** @returns where the arguments have the key that an unknown one was probably meant to be */
export function meantPath(path: Path): Path | undefined {
  const around = inStack(path).slice(0, -1);
  const meant = meantKey(String(path.at(-1)), keysAt(around) ?? []);
  return meant === undefined ? undefined : inArguments([...around, meant]);
}

/** Whether a value is, or may have in it, what nobody should see. */
function holdsSecret(path: Path, found: unknown, { isSecret }: RawConfig): boolean {
  const secrecy = hintAt(inArguments(path), "secret");
  // Even MinIO wants more of a secret key than five characters and their quotes.
  const mayHoldOne = secrecy === "inside" && JSON.stringify(found).length > 7;
  return isSecret(String(path[0])) || secrecy === true || mayHoldOne;
}
