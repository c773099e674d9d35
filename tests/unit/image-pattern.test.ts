import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isImagePattern } from "../../components/settings/image-pattern.ts";

/** What the runner's own matcher says of patterns. */
const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "../fixtures/doublestar-4.9.1-patterns.json"), "utf8"),
) as { readonly valid: readonly string[]; readonly invalid: readonly string[] };

describe("isImagePattern", () => {
  test("takes what the runner's matcher takes", () => {
    assert.ok(recorded.valid.length > 100);
    assert.deepEqual(
      recorded.valid.filter((pattern) => !isImagePattern(pattern)),
      [],
    );
  });

  test("refuses what the runner's matcher refuses", () => {
    assert.ok(recorded.invalid.length > 100);
    assert.deepEqual(recorded.invalid.filter(isImagePattern), []);
  });
});
