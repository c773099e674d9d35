// Tries one part in a process of its own: `node --expose-gc try-part.ts PART COUNT SEED [TRY]`. Tells its parent of each try.
import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { inspect } from "node:util";
import fc from "fast-check";
import type { Ending, Fuzzed } from "./fuzzed.ts";
import { parts, type PartName } from "./parts.ts";

/** How long a try may take, in milliseconds; what takes longer hangs, for all that its user knows. */
const patience = 10_000;

/** How much more memory may be in use at the end than in the middle, in bytes: what is to be kept, and no more. */
const memoryLimit = 256 * 2 ** 20;

/** How many defects to tell of. */
const enough = 20;

/** What this process tells the one that started it. */
export type Report =
  | { readonly try: number }
  | {
      readonly accepted: number;
      readonly refused: number;
      readonly slowestMilliseconds: number;
      /** What is wrong, each with the try that shows it. */
      readonly defects: readonly string[];
    };

function tell(report: Report): void {
  process.send?.(report);
}

function usedMemory(): number {
  global.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function timed(fuzzed: Fuzzed<unknown>, one: unknown): Promise<{ ending: Ending; took: number }> {
  const began = performance.now();
  const ending = await fuzzed.attempt(one);
  const took = performance.now() - began;
  assert.ok(took < patience, `it took ${Math.round(took)} ms`);
  return { ending, took };
}

async function tryPart(name: PartName, count: number, seed: number, first: number): Promise<void> {
  const fuzzed = await parts[name].start();
  const endings: Record<Ending, number> = { accepted: 0, refused: 0 };
  const defects = new Map<string, string>();
  let [tried, slowest, used] = [0, 0, 0];
  const property = fc.asyncProperty(fuzzed.cases, async (one) => {
    tell({ try: first + tried });
    used = tried === Math.floor(count / 2) ? usedMemory() : used;
    tried += 1;
    try {
      const { ending, took } = await timed(fuzzed, one);
      endings[ending] += 1;
      slowest = Math.max(slowest, took);
    } catch (error) {
      const what = (error as Error).message;
      // One of each kind.
      const kind = what.slice(0, 250).replaceAll(/\d+|"[^"]*"/g, "");
      const shown = inspect(one, { depth: 12, maxStringLength: 200, maxArrayLength: 5, breakLength: 160 });
      defects.set(
        kind,
        defects.get(kind) ?? `try ${first + tried - 1}: ${what.slice(0, 1_000)}\n${shown.slice(0, 1_500)}`,
      );
    }
    // False ends it.
    return defects.size < enough;
  });
  try {
    await fc.check(property, { numRuns: count, seed, path: String(first), endOnFailure: true });
    await fuzzed.examine?.();
    const grown = usedMemory() - used;
    if (grown > memoryLimit) {
      defects.set("memory", `the second half of the tries took ${Math.round(grown / 2 ** 20)} MiB for good`);
    }
    tell({ ...endings, slowestMilliseconds: slowest, defects: [...defects.values()] });
  } finally {
    await fuzzed.stop?.();
  }
}

// Where its parent is gone, nobody wants to know.
process.once("disconnect", () => process.exit());
const [name = "", count, seed, first = 0] = process.argv.slice(2);
await tryPart(name as PartName, Number(count), Number(seed), Number(first));
process.disconnect();
