import { styleText } from "node:util";
import type { CheckResult, Status } from "./check.ts";

const signs = { ok: "✔", warning: "⚠", problem: "✖", skipped: "–" } as const;
const colours = { ok: "green", warning: "yellow", problem: "red", skipped: "dim" } as const;

/** Colours a text, or returns it unchanged. */
export type Paint = (colour: Parameters<typeof styleText>[0], text: string) => string;

/** Colours on a terminal, unless `NO_COLOR` is set. */
export const paintForTerminal: Paint = (colour, text) => styleText(colour, text, { stream: process.stdout });

/** @returns one line for a check that is ok; else the details below it, and what to do */
export function describeResult({ title, status, found, todo }: CheckResult, paint: Paint): string {
  const line = `${paint(colours[status], signs[status])} ${title}`;
  if (status === "ok") {
    return `${line} ${paint("dim", `(${found})`)}`;
  }
  const steps = todo?.split("\n").map((step, index) => `    ${index === 0 ? "→" : " "} ${step}`) ?? [];
  return [line, ...found.split("\n").map((detail) => `    ${detail}`), ...steps].join("\n");
}

/** @returns the number of checks by status, in one line */
export function summary(stack: string, results: readonly CheckResult[]): string {
  const count = (status: Status) => results.filter((result) => result.status === status).length;
  const [problems, warnings] = [count("problem"), count("warning")];
  const parts = [
    `${count("ok")} ok`,
    ...(warnings > 0 ? [`${warnings} warning${warnings === 1 ? "" : "s"}`] : []),
    ...(problems > 0 ? [`${problems} problem${problems === 1 ? "" : "s"}`] : []),
    ...(count("skipped") > 0 ? [`${count("skipped")} skipped`] : []),
  ];
  return `Stack ${stack}: ${parts.join(", ")}.`;
}

/** @returns whether nothing has to be fixed */
export function isHealthy(results: readonly CheckResult[]): boolean {
  return results.every(({ status }) => status !== "problem");
}

/** @returns the one JSON document for programs */
export function jsonReport(stack: string, results: readonly CheckResult[]): string {
  const checks = results.map(({ fixes: _fixes, ...result }) => result);
  return JSON.stringify({ stack, ok: isHealthy(results), checks }, undefined, 2);
}
