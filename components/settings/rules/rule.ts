import type * as pulumi from "@pulumi/pulumi";
import type { Change, Contradiction } from "../problems.ts";
import type { Path } from "../path.ts";
import type { RunnerSettings } from "../runner.ts";

/** Settings with keys of their own; a rule on these keys has nothing to say where there is no such object. */
interface Groups {
  readonly registration: NonNullable<RunnerSettings["registration"]>;
  readonly cache: Exclude<RunnerSettings["cache"], false>;
  readonly manager: RunnerSettings["manager"];
  readonly jobs: RunnerSettings["jobs"];
  readonly chart: RunnerSettings["chart"];
  readonly networkPolicy: Exclude<RunnerSettings["networkPolicy"], boolean>;
}

type TopKey = Exclude<keyof RunnerSettings, keyof Groups>;
type InnerKey = { [Group in keyof Groups]: `${Group}.${keyof Groups[Group] & string}` }[keyof Groups];

/** A setting that a rule reads: `podSecurity`, `jobs.privileged`, or the component's `name`. */
type Key = "name" | "manager" | TopKey | InnerKey;

type ValueOf<K extends Key> = K extends "name"
  ? string
  : K extends "manager"
    ? RunnerSettings["manager"]
    : K extends TopKey
      ? pulumi.Unwrap<RunnerSettings[K]>
      : K extends `${infer Group extends keyof Groups}.${infer Inner}`
        ? Inner extends keyof Groups[Group]
          ? pulumi.Unwrap<Groups[Group][Inner]>
          : never
        : never;

/** Finds contradictions between settings whose values are valid on their own. */
export interface Rule {
  readonly keys: readonly Key[];
  readonly find: (...values: never[]) => readonly Contradiction[];
}

/** @returns a rule that reads these settings, and no others */
export function rule<const Keys extends readonly Key[]>(
  keys: Keys,
  find: (...values: { -readonly [Index in keyof Keys]: ValueOf<Keys[Index]> }) => readonly Contradiction[],
): Rule {
  return { keys, find: find as unknown as Rule["find"] };
}

/** @returns a contradiction at a path, if there is one */
export function when(isWrong: boolean, path: Path, contradiction: Omit<Contradiction, "path">): Contradiction[] {
  return isWrong ? [{ path, ...contradiction }] : [];
}

/** @returns the change that sets a setting */
export function set(path: Path, to: string | number | boolean): Change {
  return { set: path, to };
}

/** @returns the change that removes a setting */
export function remove(...path: (string | number)[]): Change {
  return { remove: path };
}

/** @returns what repeats another, the last first, so that each can be taken out without moving the others */
export function repeated<T>(values: readonly T[]): { value: T; index: number }[] {
  const first = new Map(values.map((value, index) => [value, index] as const).toReversed());
  return values
    .map((value, index) => ({ value, index }))
    .filter(({ value, index }) => first.get(value) !== index)
    .toReversed();
}
