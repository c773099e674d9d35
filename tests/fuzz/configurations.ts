import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { parse } from "smol-toml";
import { readStackConfig } from "../../components/config.ts";
import { registrationKeys, stackKeys } from "../../components/config/stack-keys.ts";
import { GitLabRunner } from "../../components/gitlab-runner.ts";
import { ConfigError } from "../../components/settings/problems.ts";
import { validStack } from "../unit/config-arbitrary.ts";
import { setStackFile } from "../unit/config-reading.ts";
import { deploy } from "../unit/mock-engine.ts";
import type { Ending, Fuzzed } from "./fuzzed.ts";
import { oddJson, oddKeys, oddTexts } from "./odd-values.ts";

type Values = Record<string, unknown>;

/** A configuration: of a stack's file, with the keys that are encrypted in it, or the arguments of a component. */
interface Configuration {
  readonly values: Values;
  readonly secrets?: readonly string[];
}

/** What stands in encrypted values, and nobody may see. */
const secretText = "s3cr3t-7007007";

const anyKey = fc.oneof(oddKeys, fc.constantFrom(...stackKeys, "key", "name", "value", "path", "requests", "limits"));
const odd = oddJson(anyKey);

function isJson(value: unknown): value is object {
  return Array.isArray(value) || (typeof value === "object" && value !== null && value.constructor === Object);
}

/** As deep as any setting is. */
const settingsDepth = 7;

/** @returns each place in an object, with the object or list that it is in */
function placesIn(object: object, depth = settingsDepth): (readonly [object, string])[] {
  return Object.entries(object).flatMap(([key, value]: [string, unknown]) => [
    [object, key] as const,
    ...(isJson(value) && depth > 0 ? placesIn(value, depth - 1) : []),
  ]);
}

/** @returns a copy of JSON; what is deeper than any setting is shared */
function copyOf<Value>(value: Value, depth = settingsDepth): Value {
  if (typeof value !== "object" || value === null || depth === 0) {
    return value;
  }
  return (
    Array.isArray(value)
      ? value.map((item: unknown) => copyOf(item, depth - 1))
      : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOf<unknown>(item, depth - 1)]))
  ) as Value;
}

/** Changes what is in one place of an object, or beside it where there is a key. */
function spoil(values: Values, place: number, change: (found: unknown) => unknown, key?: string): void {
  const places = placesIn(values);
  const [object, found] = places[place % places.length] ?? [values, "jobs"];
  // Not by an assignment, which would make `__proto__` what it is not in JSON.
  Object.defineProperty(object, key !== undefined && !Array.isArray(object) ? key : found, {
    value: change((object as Values)[found]),
    ...{ configurable: true, enumerable: true, writable: true },
  });
}

const spoilt = fc
  .tuple(validStack, fc.array(fc.tuple(fc.nat(), odd, fc.option(anyKey, { nil: undefined })), { maxLength: 3 }))
  .map(([{ values, secrets }, changes]) => {
    const copy = copyOf(values) as Values;
    for (const [place, value, key] of changes) {
      spoil(copy, place, () => value, key);
    }
    return { values: copy, secrets };
  });

const wild = fc.record({
  values: fc.dictionary(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...stackKeys) }, anyKey), odd, {
    maxKeys: 8,
    noNullPrototype: true,
  }),
  secrets: fc.subarray(stackKeys, { maxLength: 3 }),
});

/** JSON that is deeper than programs can go down by calling themselves. */
const abyss = fc
  .tuple(fc.constantFrom(10_000, 100_000), fc.constantFrom(["[", "]"], ['{"a":', "1}"], ['{"values":', "1}"]))
  .map(
    ([depth, [open = "", close = ""]]) =>
      `${open.repeat(depth)}${close[0] === "1" ? "1" : ""}${(close.at(-1) ?? "").repeat(depth)}`,
  );

/** Text as it is in a stack's file, where JSON is due. */
const wildText = fc.record({
  values: fc.dictionary(
    fc.constantFrom(...stackKeys),
    fc.oneof({ weight: 20, arbitrary: oddTexts }, { weight: 1, arbitrary: abyss }),
    { maxKeys: 4, noNullPrototype: true },
  ),
});

const encrypted = fc
  .tuple(
    validStack,
    fc.nat(),
    fc.oneof(
      fc.constantFrom<unknown>(secretText, `https://${secretText}/api/v4`, `${secretText},${secretText}`, [secretText]),
      fc.tuple(oddTexts, oddTexts).map(([before, after]) => before + secretText + after),
      fc.dictionary(anyKey, fc.constant(secretText), { minKeys: 1, maxKeys: 2, noNullPrototype: true }),
    ),
  )
  .map(([{ values, secrets }, place, value]) => {
    const copy = copyOf(values) as Values;
    spoil(copy, place, () => value);
    const changed = Object.keys(copy).filter((key) => JSON.stringify(copy[key]) !== JSON.stringify(values[key]));
    return { values: copy, secrets: [...secrets, ...changed] };
  });

const configuration: fc.Arbitrary<Configuration> = fc.oneof(
  { weight: 4, arbitrary: validStack },
  { weight: 6, arbitrary: spoilt },
  { weight: 4, arbitrary: wild },
  { weight: 2, arbitrary: wildText },
  { weight: 2, arbitrary: encrypted },
);

/** @returns a value, or text in the place of what Pulumi itself does not take for an Output: what is deep, or in itself */
function shallow(value: unknown): unknown {
  try {
    return JSON.stringify(value).length < 10_000 ? value : "text";
  } catch {
    return "text";
  }
}

/** What a program may pass that JSON cannot say, for what a configuration has in a place. */
const programValues: readonly ((value: unknown) => unknown)[] = [
  (value) => pulumi.output(shallow(value)),
  (value) => pulumi.secret(shallow(value)),
  (value) => Promise.resolve(value),
  (value) => ({ of: [pulumi.output(shallow(value))] }),
  () => undefined,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => 10n,
  () => Symbol("a"),
  () => () => "text",
  () => new Date(0),
  () => new Map([["a", 1]]),
  () => new Error("text"),
  () => Object.create(null) as object,
  () => {
    const circle: Values = {};
    circle["again"] = circle;
    return circle;
  },
];

/** A configuration, and what a program puts into places of it. */
interface Attempt {
  readonly configuration: Configuration;
  /** Numbers of places and of {@link programValues}. */
  readonly changes: readonly (readonly [place: number, value: number])[];
}

function attemptsWith(cases: fc.Arbitrary<Configuration>, first: number, last: number): fc.Arbitrary<Attempt> {
  const change = fc.tuple(fc.nat(), fc.integer({ min: first, max: last }));
  return fc.record({ configuration: cases, changes: fc.array(change, { maxLength: 2 }) });
}

/** An Output of what the compiler would refuse comes from no program: its value is checked by the server only. */
const attempts = fc.oneof(
  { weight: 1, arbitrary: attemptsWith(validStack, 0, 2) },
  { weight: 2, arbitrary: attemptsWith(configuration, 3, programValues.length - 1) },
);

/** What a program puts together would show, and no person says. */
const notForPeople = /\b(Invalid|undefined|NaN|TypeError|RangeError|ZodError|Cannot read)\b|\[object|at file:|\n\s+at /;

/** @returns a message without what its reader wrote: names of keys, and the values that were found */
function ownWords(message: string): string {
  return message
    .split("\n")
    .map((line) => line.replace(/, but is .*/, "").replace(/^ {2}\S.*?: (?=must|there|is |either)/, ""))
    .filter((line) => !/^ {4}pulumi config/.test(line))
    .join("\n");
}

/** Resolves once a program was deployed to mocks, or was refused in people's words. */
async function ending(program: () => GitLabRunner, secret?: string): Promise<Ending> {
  const warned: string[] = [];
  const { warn } = console;
  console.warn = (...words) => warned.push(words.join(" "));
  try {
    const { one } = await deploy(program);
    const values = one("kubernetes:helm.sh/v3:Release").inputs["values"] as { runners: { config: string } };
    parse(values.runners.config.replaceAll('{{ "{{" }}', "{{"));
    return "accepted";
  } catch (error) {
    assert.ok(error instanceof ConfigError, `not a message for people: ${error instanceof Error ? error.stack : ""}`);
    assert.doesNotMatch(ownWords(error.message), notForPeople);
    assert.ok(error.message.length < 1_000_000, "a message that nobody reads");
    warned.push(error.message);
    return "refused";
  } finally {
    console.warn = warn;
    assert.ok(secret === undefined || !warned.join("\n").includes(secret), "a secret is shown");
  }
}

/** Random configurations of a stack. */
export const stackFiles: Fuzzed<Configuration> = {
  cases: configuration,
  attempt: (file) =>
    ending(() => {
      setStackFile(file);
      return new GitLabRunner("gitlab-runner", readStackConfig("gitlab-runner"));
    }, secretText),
};

/** Random arguments of the component. */
export const componentArgs: Fuzzed<Attempt> = {
  cases: attempts,
  attempt: ({ configuration, changes }) =>
    ending(() => {
      const isRegistration = ([key]: [string, unknown]) => (registrationKeys as string[]).includes(key);
      const entries = Object.entries(copyOf(configuration.values));
      const others = Object.fromEntries(entries.filter((entry) => !isRegistration(entry)));
      const args: Values = {
        ...others,
        ...("runnerToken" in others ? {} : { registration: Object.fromEntries(entries.filter(isRegistration)) }),
      };
      for (const [place, value] of changes) {
        spoil(args, place, (found) => programValues[value]?.(found));
      }
      return new GitLabRunner("gitlab-runner", args);
    }),
};
