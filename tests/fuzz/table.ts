import Table from "cli-table3";
import type { Outcome } from "./fuzz.ts";

/** @returns the table of what each part made of what it was given */
export function resultTable(outcomes: readonly Outcome[]): string {
  const table = new Table({
    head: ["given to", "tries", "accepted", "refused in words", "slowest", "defects"],
    style: { head: [], border: [] },
  });
  const row = (name: string, some: readonly Outcome[]) => {
    const sum = (key: "tries" | "accepted" | "refused") => some.reduce((total, one) => total + one[key], 0);
    const slowest = Math.max(...some.map(({ slowestMilliseconds }) => slowestMilliseconds));
    const defects = some.reduce((total, one) => total + one.defects.length, 0);
    return [name, sum("tries"), sum("accepted"), sum("refused"), `${Math.ceil(slowest)} ms`, defects];
  };
  table.push(...outcomes.map((outcome) => row(outcome.part, [outcome])), row("all", outcomes));
  return table.toString();
}
