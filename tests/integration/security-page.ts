import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../../tools/repository.ts";

/** Fails unless `docs/security.md` has a table with this row. */
export function assertDocumented(...cells: readonly string[]): void {
  const page = readFileSync(join(repository, "docs/security.md"), "utf8");
  const rows = page
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const isRow = (row: readonly string[]) => cells.every((cell, index) => row[index] === cell);
  assert.ok(rows.some(isRow), `docs/security.md has no row\n| ${cells.join(" | ")} |`);
}
