import { meantKey, pathOf, type Issue } from "./issues.ts";
import { hintAt } from "./lookup.ts";
import { dotted, type Path } from "./path.ts";
import { describeValue, hidden, type Contradiction, type Problem } from "./problems.ts";

/** Settings as they are written: the arguments of a component, or a stack's configuration. All paths are those of the arguments. */
export interface WrittenSettings {
  /** @returns the path where their author finds the setting */
  readonly pathOf: (path: Path) => Path;
  /** @returns what the author wrote; undefined for nothing, or what is known only while Pulumi deploys */
  readonly valueAt: (path: Path) => unknown;
  /** @returns the paths of all settings beside one, and its own if it exists */
  readonly siblingsOf: (path: Path) => readonly Path[];
  /** Whether their author has encrypted the setting. */
  readonly isEncrypted: (path: Path) => boolean;
  /** What to do about a problem, where that is more than the problem says. */
  readonly fixes?: {
    readonly ofIssue: (issue: Issue, isHidden: boolean) => string;
    readonly ofContradiction: (contradiction: Contradiction, isHidden: boolean) => string;
  };
}

/** @returns wrong values and unknown keys in people's words, and how to fix them */
export function describeIssues(issues: readonly Issue[], written: WrittenSettings): Problem[] {
  const problems = issues.map((issue) => describeIssue(issue, written));
  // A value may break several rules of its key, and one example fixes them all.
  return [...Map.groupBy(problems, ({ key, fix }) => `${key}\n${fix ?? ""}`).values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ...first, expected: [first, ...others].map(({ expected }) => expected).join("; ") }],
  );
}

function describeIssue(issue: Issue, written: WrittenSettings): Problem {
  const path = pathOf(issue);
  const isKey = issue.code === "unrecognized_keys" || issue.code === "invalid_key";
  const value = isKey ? undefined : written.valueAt(path);
  const isHidden = holdsSecret(path, value, written);
  return {
    key: dotted(written.pathOf(path)),
    expected: expectedBy(issue, isHidden, written),
    found: issue.code === "invalid_key" ? describeValue(path.at(-1)) : isHidden ? hidden : describeValue(value),
    fix: written.fixes?.ofIssue(issue, isHidden),
  };
}

function expectedBy(issue: Issue, isHidden: boolean, written: WrittenSettings): string {
  switch (issue.code) {
    case "unrecognized_keys": {
      const meant = meantPath(pathOf(issue), written);
      return `there is no such key${meant === undefined ? "" : `; did you mean ${dotted(written.pathOf(meant))}?`}`;
    }
    case "invalid_key":
      return issue.issues[0]?.message ?? "is not a valid name";
    case "custom":
      return `${issue.message}${isHidden ? "" : String(issue.params?.["detail"] ?? "")}`;
    default:
      return issue.message;
  }
}

/**
 * @param value what the setting is, if the contradiction does not say it
 * @returns a contradiction in people's words, and how to fix it
 */
export function describeContradiction(contradiction: Contradiction, value: unknown, written: WrittenSettings): Problem {
  const { path, expected, detail = "", secretDetail = "", reads = [] } = contradiction;
  const found = contradiction.found ?? value;
  const isHidden = holdsSecret(path, found, written);
  const hidesMore = isHidden || reads.some(written.isEncrypted);
  return {
    key: dotted(written.pathOf(path)),
    expected: `${expected}${hidesMore ? secretDetail : detail}`,
    found: contradiction.found === null ? undefined : isHidden ? hidden : describeValue(found),
    fix: written.fixes?.ofContradiction(contradiction, hidesMore),
  };
}

/** @returns the setting that a key which does not exist was probably meant to be */
export function meantPath(path: Path, { siblingsOf }: WrittenSettings): Path | undefined {
  const siblings = siblingsOf(path);
  const meant = meantKey(
    String(path.at(-1)),
    siblings.map((sibling) => String(sibling.at(-1))),
  );
  return siblings.find((sibling) => sibling.at(-1) === meant);
}

/** Whether a value is, or may have in it, what nobody should see. */
function holdsSecret(path: Path, found: unknown, { isEncrypted }: WrittenSettings): boolean {
  const secrecy = hintAt(path, "secret");
  return (
    found !== undefined && (isEncrypted(path) || secrecy === true || (secrecy === "inside" && mayHoldSecret(found)))
  );
}

function mayHoldSecret(found: unknown): boolean {
  // Even MinIO wants more of a secret key than five characters and their quotes.
  return (describeValue(found) ?? "").length > 7;
}
