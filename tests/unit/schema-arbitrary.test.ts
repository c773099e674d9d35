import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { runnerSettings } from "../../components/settings/runner.ts";
import { object } from "../../components/settings/setting.ts";
import { toleration } from "../../components/settings/tolerations.ts";
import { bytes, image, objectName } from "../../components/settings/values.ts";
import { valuesOf } from "./schema-arbitrary.ts";

/** Settings that the program does not have, of every type that it does. */
const fresh = object({
  text: z.string().max(40).optional(),
  pattern: z.string().regex(/^[a-z]{3}-\d{2}$/),
  address: z.url({ protocol: /^https?$/ }).default("https://example.com"),
  name: objectName.optional(),
  tagged: image.refine((text) => /:[^/]+$/.test(text)).optional(),
  size: bytes.optional(),
  number: z.int().min(3).max(9).optional(),
  choice: z.enum(["a", "b"]).default("a"),
  either: z.union([z.boolean(), z.array(z.int().min(1)).min(1)]),
  labels: z.record(z.string().regex(/^[a-z]+$/), z.string()).prefault({}),
  tolerations: z.array(toleration).default([]),
  nested: object({ patch: z.record(z.string(), z.json()), custom: z.custom<string>((it) => it === true) }).optional(),
  rare: z
    .string()
    .refine((text) => text === "only this")
    .meta({ example: "only this" }),
});

describe("values of a schema", { timeout: 20_000 }, () => {
  test("are right, and any key of an object may be among them, or not where it need not be", () => {
    const drawn = fc.sample(valuesOf(fresh), { seed: 1, numRuns: 200 }) as Record<string, unknown>[];
    for (const value of drawn) {
      assert.ok(fresh.safeParse(value).success, JSON.stringify(value));
    }
    const required = ["pattern", "either", "rare"];
    for (const key of Object.keys(fresh.shape)) {
      assert.ok(
        drawn.some((value) => key in value),
        `${key} is never drawn`,
      );
      assert.equal(
        drawn.every((value) => key in value),
        required.includes(key),
        key,
      );
    }
  });

  test("are drawn of a new setting of the runner, without an edit elsewhere", () => {
    const extended = runnerSettings.extend({ newSetting: z.int().min(1).optional() });
    const drawn = fc.sample(valuesOf(extended), { seed: 1, numRuns: 20 }) as Record<string, unknown>[];
    assert.ok(drawn.some(({ newSetting }) => typeof newSetting === "number"));
  });

  test("are what an override says, at its path", () => {
    const values = valuesOf(fresh, { "nested.custom": fc.constant("another") });
    const drawn = fc.sample(values, { seed: 1, numRuns: 50 }) as { nested?: { custom: unknown } }[];
    assert.ok(drawn.some(({ nested }) => nested?.custom === "another"));
    assert.ok(drawn.every(({ nested }) => nested === undefined || nested.custom === "another"));
  });

  test("are not guessed where a schema takes next to nothing and has no example", () => {
    const schema = object({ password: z.string().refine((text) => text === "only this") });
    assert.throws(() => valuesOf(schema), /^Error: password: nothing was drawn that the schema accepts/);
  });
});
