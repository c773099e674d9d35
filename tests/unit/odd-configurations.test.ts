import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { before, describe, test } from "node:test";
import { checkSettings, completeSettings } from "../../components/settings/check.ts";
import { describeValue } from "../../components/settings/problems.ts";
import { chartImage } from "../../components/settings/manager.ts";
import { messageOf } from "./config-reading.ts";
import { deploy } from "./mock-engine.ts";

const registration = { projectId: 1 };

/** Messages of a program's mistake, which its compiler would have found. */
function refusal(args: object): string {
  try {
    completeSettings("gpu", { registration, ...args });
  } catch (error) {
    return (error as Error).message.split("\n").slice(1, -1).join("\n");
  }
  return assert.fail("the arguments were accepted");
}

describe("what no configuration is meant to have in it", { timeout: 60_000 }, () => {
  before(async () => {
    await deploy(() => undefined); // Names project and stack.
  });

  for (const [what, text] of [
    ["lists", "[".repeat(100_000) + "]".repeat(100_000)],
    ["objects", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`],
  ] as const) {
    test(`${what} in each other beyond all depth are named, and can be taken out`, () => {
      assert.match(
        messageOf({ projectId: 1, jobs: text, chart: `{"values":${text}}` }),
        /\n {2}chart\.values: must not be nested more than 100 levels deep.*\n {4}pulumi config rm --path chart\.values\n/,
      );
    });
  }

  test("what is in itself is named", () => {
    const circle: Record<string, unknown> = { two: {} };
    circle["one"] = circle;
    circle["two"] = { back: circle };
    assert.match(
      refusal({ jobs: { podSpec: circle } }),
      /^ {2}jobs\.podSpec: must not be nested more than 100 levels deep/,
    );
  });

  for (const [value, shown] of [
    [() => "ci", "[Function"],
    [10n, "10n"],
    [Symbol("ci"), "Symbol(ci)"],
    [Number.NaN, "null"],
  ] as const) {
    test(`${String(value)} of a program is named`, () => {
      const message = refusal({ jobs: { image: value } });
      assert.ok(message.startsWith(`  jobs.image: must be text, but is ${shown}`), message);
    });
  }

  test("what is no JSON has no place among the chart's values", () => {
    assert.match(
      refusal({ chart: { values: { a: { b: () => "c" } } } }),
      /^ {2}chart\.values\.a\.b: must be plain text, a number, true, false, a list or an object, but is /,
    );
  });

  test("what is wrong a thousand times is told of a hundred times", () => {
    const message = messageOf({ projectId: 1, extraProjects: Array<string>(1_000).fill("none") });
    assert.match(message, /^The stack's configuration has 1000 problems:\n/);
    assert.match(message, /\n {2}and 900 more\nNothing was created or changed\.$/);
    assert.equal(message.match(/must be the id or the full path/g)?.length, 100);
  });

  const long = 1_000_000;
  for (const [what, check] of [
    ["a URL without end", () => describeValue("://".repeat(long / 3))],
    ["an image of dots", () => chartImage(`${"a.".repeat(long / 2)}:1`)],
    ["an image of tags", () => checkSettings("gpu", { registration, manager: { image: `a${":".repeat(long)}/` } })],
    [
      "certificates that never end",
      () => refusal({ caCertificate: "-----BEGIN CERTIFICATE-----\n".repeat(long / 28) }),
    ],
    ["a key of a million letters", () => refusal({ ["a".repeat(long)]: 1 })],
    [
      "five thousand keys that do not exist",
      () => messageOf({ projectId: 1, jobs: Object.fromEntries(numbers(1, 5_000).map((n) => [`a${n}`, n])) }),
    ],
    [
      "two hundred thousand projects",
      () => checkSettings("gpu", { registration: { ...registration, extraProjects: numbers(2, 200_000) } }),
    ],
  ] as const) {
    test(`${what} takes no time that anybody notices`, () => {
      const began = performance.now();
      check();
      const took = performance.now() - began;
      assert.ok(took < 5_000, `${Math.round(took)} ms`);
    });
  }
});

function numbers(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
