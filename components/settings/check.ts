import type * as pulumi from "@pulumi/pulumi";
import { describeContradiction, describeIssues, meantPath, type WrittenSettings } from "./describe.ts";
import { readIssues, pathOf, type Issue } from "./issues.ts";
import { accepts, hintAt, keysAt } from "./lookup.ts";
import { valueAt, withValue, without, type Path } from "./path.ts";
import { networkPolicySettings, type NetworkPolicySettings, type PodSecurityLevel } from "./namespace.ts";
import { ConfigError, describeValue, errorMessage, type Contradiction, type Problem } from "./problems.ts";
import { findContradictions } from "./rules.ts";
import { runnerSettings, type RunnerSettings } from "./runner.ts";
import { isOutput } from "./setting.ts";

/** What is wrong with settings, and the settings with their defaults, in place of what is wrong, too. */
export interface Findings {
  readonly settings: RunnerSettings;
  /** Wrong values and unknown keys. */
  readonly issues: readonly Issue[];
  /** Contradictions between the other settings. */
  readonly contradictions: readonly Contradiction[];
}

/**
 * Finds everything that is wrong with the settings of a runner.
 * @param name name of the component
 * @param args the arguments
 * @param written what their author wrote, where that is not the arguments
 */
export function checkSettings(name: string, args: object, written = writtenArguments(args)): Findings {
  const bottomless = bottomlessIn(args);
  const finite = without(args, bottomless);
  const outputs = outputsIn(finite).filter((path) => !accepts(path, valueAt(args, path)));
  const known = without(finite, outputs);
  const parsed = runnerSettings.safeParse(known, { error: errorMessage });
  const issues = [
    ...readIssues(parsed.error),
    ...outputs.filter((path) => !mayBeOutput(path)).map(plainValueIssue),
    ...bottomless.map((path) =>
      ownIssue(path, `must not be nested more than ${deepest} levels deep`, { remove: true }),
    ),
  ];
  const wrong = issues.flatMap((issue) => {
    const path = pathOf(issue);
    return issue.code === "unrecognized_keys" ? [path, meantPath(path, written) ?? path] : [path];
  });
  const doubtful = wrong.map((path) => path.slice(0, typeof path[1] === "string" ? 2 : 1));
  const settings = parsed.data ?? runnerSettings.parse(without(known, doubtful));
  return {
    settings: outputs.reduce((values, path) => withValue(values, path, valueAt(args, path)), settings),
    issues,
    contradictions: findContradictions(name, settings, [...doubtful, ...outputs]),
  };
}

/** @returns all that was found, in people's words, and how to fix it */
export function describeFindings({ settings, issues, contradictions }: Findings, written: WrittenSettings): Problem[] {
  return [
    ...describeIssues(issues, written),
    ...contradictions.map((contradiction) =>
      describeContradiction(contradiction, knownAt(settings, contradiction.path), written),
    ),
  ];
}

/** The settings of a runner, with what follows from them. */
export interface CompleteSettings extends Omit<RunnerSettings, "registration" | "runnerToken"> {
  /** Name of the component. */
  readonly name: string;
  /** The runner to create in GitLab, or the token of one that exists. */
  readonly owner:
    | { readonly registration: NonNullable<RunnerSettings["registration"]> }
    | { readonly runnerToken: pulumi.Input<string> };
  readonly namespace: string;
  readonly podSecurity: PodSecurityLevel;
  readonly networkPolicy: NetworkPolicySettings | false;
}

/**
 * @param name name of the component
 * @param args its arguments
 * @returns the settings with their defaults
 * @throws ConfigError with all problems at once
 */
export function completeSettings(name: string, args: object): CompleteSettings {
  const written = writtenArguments(args);
  const findings = checkSettings(name, args, written);
  const problems = [...nameProblems(name), ...ownerProblems(args), ...describeFindings(findings, written)];
  const { settings } = findings;
  const { registration, runnerToken, linkerd, networkPolicy } = settings;
  const owner = runnerToken !== undefined ? { runnerToken } : registration && { registration };
  if (problems.length > 0 || owner === undefined) {
    throw new ConfigError(`GitLabRunner ${name}`, problems);
  }
  return {
    ...settings,
    name,
    owner,
    namespace: settings.namespace ?? name,
    podSecurity: settings.podSecurity ?? (linkerd ? "privileged" : "baseline"),
    quota: Object.keys(settings.quota ?? {}).length === 0 ? undefined : settings.quota,
    networkPolicy: networkPolicy === true ? networkPolicySettings.parse({}) : networkPolicy,
  };
}

function writtenArguments(args: object): WrittenSettings {
  return {
    pathOf: (path) => path,
    valueAt: (path) => knownAt(args, path),
    siblingsOf: (path) => (keysAt(path.slice(0, -1)) ?? []).map((key) => [...path.slice(0, -1), key]),
    isEncrypted: () => false,
  };
}

function nameProblems(name: string): Problem[] {
  return /^[a-z]([-a-z0-9]{0,51}[a-z0-9])?$/.test(name)
    ? []
    : [
        {
          key: "name",
          expected: "must be a DNS label of at most 53 characters: a-z, 0-9 and -",
          found: describeValue(name),
        },
      ];
}

function ownerProblems({ registration, runnerToken }: { registration?: unknown; runnerToken?: unknown }): Problem[] {
  return (registration === undefined) === (runnerToken === undefined)
    ? [{ key: "registration", expected: "either this or runnerToken must be set, and not both" }]
    : [];
}

/** @returns what is at a path; undefined where that is known only while Pulumi deploys */
function knownAt(values: object, path: Path): unknown {
  const value = valueAt(values, path);
  return outputsIn(value).length === 0 ? value : undefined;
}

/** @returns where a value is known only while Pulumi deploys; in a list, where the list is */
function outputsIn(value: unknown, path: Path = [], around: readonly unknown[] = []): Path[] {
  if (isOutput(value)) {
    return [path];
  }
  if (isBottomless(value, around)) {
    return [];
  }
  const inside = [...around, value];
  if (Array.isArray(value)) {
    return value.some((item) => outputsIn(item, [], inside).length > 0) ? [path] : [];
  }
  return isPlainObject(value)
    ? Object.entries(value).flatMap(([key, inner]) => outputsIn(inner, [...path, key], inside))
    : [];
}

/** More than any object of Kubernetes has; Node.js itself ends at some thousands. */
const deepest = 100;

/** @returns the settings whose values are deeper than that, or in themselves */
function bottomlessIn(value: unknown, path: Path = [], around: readonly unknown[] = []): Path[] {
  if (!Array.isArray(value) && !isPlainObject(value)) {
    return [];
  }
  if (isBottomless(value, around)) {
    return [path.slice(0, typeof path[1] === "string" ? 2 : 1)];
  }
  const inside = [...around, value];
  const step = (key: string) => (Array.isArray(value) ? Number(key) : key);
  const found = Object.entries(value).flatMap(([key, inner]) => bottomlessIn(inner, [...path, step(key)], inside));
  return found.filter(
    ([key, inner], index) => !found.slice(0, index).some((one) => one[0] === key && one[1] === inner),
  );
}

function isBottomless(value: unknown, around: readonly unknown[]): boolean {
  return around.length > deepest || around.includes(value);
}

/** Whether a value is an object with settings, and not one of another class, such as a resource. */
function isPlainObject(value: unknown): value is object {
  const prototype: unknown = typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : undefined;
  return prototype === Object.prototype || prototype === null;
}

function mayBeOutput(path: Path): boolean {
  return path.some((_, index) => hintAt(path.slice(0, index + 1), "input") === true);
}

function plainValueIssue(path: Path): Issue {
  return ownIssue(path, "must be a plain value, not an Output: it decides what is created");
}

function ownIssue(path: Path, message: string, params = {}): Issue {
  return { code: "custom", path: [...path], message, params, input: undefined };
}
