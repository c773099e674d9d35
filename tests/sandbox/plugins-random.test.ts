import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { randomCharacters } from "../../sandbox/plugins/random/random-characters.ts";
import { isSecret, pluginFile, ProviderClient, startPlugin, unknown, unmarked } from "./plugins-client.ts";

const randomString = "random:index/randomString:RandomString";
const randomPassword = "random:index/randomPassword:RandomPassword";

const everything = {
  length: 20,
  lower: true,
  upper: true,
  numeric: true,
  special: true,
  minLower: 0,
  minUpper: 0,
  minNumeric: 0,
  minSpecial: 0,
};

describe("randomCharacters", () => {
  test("has the length, the characters and the minimums that are asked for", () => {
    const minimum = fc.integer({ min: 0, max: 5 });
    const rules = fc.record({
      length: fc.integer({ min: 20, max: 60 }),
      lower: fc.boolean(),
      upper: fc.boolean(),
      numeric: fc.constant(true),
      special: fc.boolean(),
      minLower: minimum,
      minUpper: minimum,
      minNumeric: minimum,
      minSpecial: minimum,
      overrideSpecial: fc.option(fc.constant("%-"), { nil: undefined }),
    });
    fc.assert(
      fc.property(rules, (rule) => {
        const text = randomCharacters(rule);
        const count = (pattern: RegExp) => text.split("").filter((character) => pattern.test(character)).length;
        const special = rule.overrideSpecial === undefined ? /[!@#$%&*()\-_=+[\]{}<>:?]/ : /[%-]/;
        assert.equal(text.length, rule.length);
        assert.equal(count(/[a-zA-Z0-9]/) + count(special), rule.length);
        for (const [pattern, used, atLeast] of [
          [/[a-z]/, rule.lower, rule.minLower],
          [/[A-Z]/, rule.upper, rule.minUpper],
          [/[0-9]/, rule.numeric, rule.minNumeric],
          [special, rule.special, rule.minSpecial],
        ] as const) {
          assert.ok(count(pattern) >= atLeast);
          assert.ok(used || count(pattern) === atLeast);
        }
      }),
    );
  });

  test("prefers no character and no place", () => {
    const rules = { ...everything, length: 10, lower: false, upper: false, special: false };
    const counts = new Map<string, number>();
    const places = new Map<number, number>();
    for (let i = 0; i < 4000; i++) {
      const text = randomCharacters(rules);
      for (const digit of text) {
        counts.set(digit, (counts.get(digit) ?? 0) + 1);
      }
      const withLetter = randomCharacters({ ...rules, minUpper: 1 });
      const place = withLetter.search(/[A-Z]/);
      places.set(place, (places.get(place) ?? 0) + 1);
    }
    // Seven standard deviations: fails once in 10^11 runs.
    for (const count of counts.values()) {
      assert.ok(Math.abs(count - 4000) < 7 * 60, `a digit came ${count} times`);
    }
    for (const count of places.values()) {
      assert.ok(Math.abs(count - 400) < 7 * 19, `the letter was ${count} times in one place`);
    }
    assert.equal(counts.size, 10);
    assert.equal(places.size, 10);
  });
});

describe("random provider", { timeout: 20_000 }, () => {
  let client: ProviderClient;
  const cleanUps: (() => void)[] = [];
  const lifetime = { after: (cleanUp: () => void) => void cleanUps.push(cleanUp) };
  before(async () => {
    const { port } = await startPlugin(lifetime, pluginFile("random"));
    client = new ProviderClient(lifetime, port);
    await client.configure("random");
  });
  after(() => {
    cleanUps.forEach((cleanUp) => {
      cleanUp();
    });
  });

  test("RandomString is its own id, and has the defaults of the real one", async () => {
    const { id, outputs } = await client.create(randomString, { length: 20, lower: false, special: false });
    assert.match(id, /^[A-Z0-9]{20}$/);
    assert.deepEqual(outputs, {
      ...everything,
      lower: false,
      special: false,
      number: true,
      result: id,
    });
  });

  test("RandomPassword is secret, and its id tells nothing", async () => {
    const { id, outputs } = await client.create(randomPassword, { length: 40, special: false });
    assert.equal(id, "none");
    assert.ok(isSecret(outputs["result"]));
    assert.match(String(unmarked(outputs)["result"]), /^[A-Za-z0-9]{40}$/);
  });

  test("a preview draws nothing", async () => {
    const { id, outputs } = await client.create(
      randomString,
      { length: 20, keepers: { a: unknown } },
      { preview: true },
    );
    assert.equal(id, "");
    assert.equal(outputs["result"], unknown);
    assert.deepEqual(outputs["keepers"], { a: unknown });
  });

  test("every change draws a new one, and what the program leaves to the default is none", async () => {
    const made = await client.create(randomString, { length: 20, keepers: { rotation: "" } });
    const diff = (inputs: Record<string, unknown>) => client.diff(randomString, made, inputs);
    assert.deepEqual((await diff({ length: 20, keepers: { rotation: "" }, upper: true })).changes, {});
    assert.deepEqual(await diff({ length: 21, keepers: { rotation: "2" }, upper: false }), {
      changes: { length: "UPDATE_REPLACE", "keepers.rotation": "UPDATE_REPLACE", upper: "UPDATE_REPLACE" },
      replaces: ["length", "upper", "keepers"],
      deleteBeforeReplace: false,
    });
    assert.deepEqual((await diff({ length: 20, keepers: { rotation: unknown } })).replaces, ["keepers"]);
  });

  test("is read as it was made, and imported by its text", async () => {
    const made = await client.create(randomString, { length: 20 });
    assert.deepEqual(await client.read(randomString, made.id, made), made);
    const imported = await client.read(randomString, "abcDEF");
    assert.equal(imported?.outputs["result"], "abcDEF");
    assert.deepEqual(imported.inputs, { length: 6 });
  });

  test("names every input that is wrong", async () => {
    const { failures } = await client.check(randomString, { minUpper: -1, lower: "no", colour: "red" });
    assert.deepEqual(Object.keys(failures).sort(), ["colour", "length", "lower", "minUpper"]);
    assert.match(
      (await client.check(randomString, { length: 4, minLower: 5 })).failures["length"] ?? "",
      /less than the 5/,
    );
    const none = { length: 4, lower: false, upper: false, number: false, special: false };
    assert.match((await client.check(randomString, none)).failures["lower"] ?? "", /nothing is left/);
  });
});
