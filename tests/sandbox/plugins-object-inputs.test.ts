import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { prune } from "../../sandbox/plugins/kubernetes/object-inputs.ts";

describe("prune", () => {
  for (const [live, input] of [
    ["500m", "0.5"],
    ["500m", 0.5],
    ["1", "1000m"],
    ["1Gi", "1024Mi"],
    ["107374182400m", "0.1Gi"],
    ["1k", "1e3"],
    ["1Ei", "1024Pi"],
  ]) {
    test(`writes ${live} as ${JSON.stringify(input)}, which is the same amount`, () => {
      assert.deepEqual(prune({ limits: { one: live, other: "x" } }, { limits: { one: input } }), {
        limits: { one: input },
      });
    });
  }

  for (const [live, input] of [
    ["500m", "0.6"],
    ["1G", "1Gi"],
    ["1", "one"],
    ["", "0"],
  ]) {
    test(`leaves ${JSON.stringify(live)} where the input is ${JSON.stringify(input)}`, () => {
      assert.equal(prune(live, input), live);
    });
  }
});
