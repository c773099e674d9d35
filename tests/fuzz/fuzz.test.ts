import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fuzz } from "./fuzz.ts";
import { partNames, parts } from "./parts.ts";

/** Of `npm run fuzz`, as many as take some seconds. */
const sample = { configurations: 120, requests: 1_000 };

describe("npm run fuzz", { timeout: 120_000, concurrency: 2 }, () => {
  for (const part of partNames) {
    const { given, share } = parts[part];
    const count = Math.round(sample[given] * share);
    test(`${part}: ${count} ${given} of a sample end in an answer`, async () => {
      const { defects, accepted, refused } = await fuzz({ part, count, seed: 1 });
      assert.deepEqual(defects, []);
      assert.equal(accepted + refused, count);
      assert.ok(refused > 0);
    });
  }
});
