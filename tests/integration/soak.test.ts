import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { execa } from "execa";
import { repository } from "../../tools/repository.ts";

describe("npm run soak", { timeout: 15 * 60_000 }, () => {
  test("killed, or with a server that fails, a stack comes to the same end: a sample", async () => {
    const sample = ["--up", "1", "--rotation", "1", "--destroy", "1", "--faults", "1"];
    const { exitCode, all } = await execa(process.execPath, [join(repository, "tests/soak/main.ts"), ...sample], {
      all: true,
      reject: false,
      stdin: "ignore",
    });
    assert.equal(exitCode, 0, all);
    assert.equal(all.match(/^\d\/4 .*: by (itself|--fix)/gm)?.length, 4, all);
    assert.match(all, /│ all +│ 4 +│ \d +│ \d +│ 0 +│/);
  });
});
