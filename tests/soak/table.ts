import Table from "cli-table3";
import { describePoint, type Point } from "./points.ts";
import type { Outcome } from "./soak.ts";

/** A point, and how it ended. */
export interface Result {
  readonly point: Point;
  readonly outcome: Outcome;
}

const endings = ["by itself", "by --fix", "lost"] as const;

/** @returns the table of all points, one row for each sort of fault */
export function resultTable(results: readonly Result[]): string {
  const rows = Map.groupBy(results, ({ point }) => describePoint(point));
  const numbers = (some: readonly Result[]) => [
    some.length,
    ...endings.map((ending) => some.filter(({ outcome }) => outcome.recovered === ending).length),
    some.reduce((sum, { outcome }) => sum + outcome.named, 0),
  ];
  const table = new Table({
    head: ["fault", "runs", ...endings, "runners left, and named"],
    style: { head: [], border: [] },
  });
  table.push(...[...rows].map(([row, some]) => [row, ...numbers(some)]), ["all", ...numbers(results)]);
  return table.toString();
}
