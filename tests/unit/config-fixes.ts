import assert from "node:assert/strict";
import { runConfigCommand } from "./config-commands.ts";
import { findMessage, problemsIn, type StackFile } from "./config-reading.ts";

/** The commands of a message: the first, what to do after it, and what to do instead of it. */
export function commandsIn(fix: string): { first: string; next: string[]; others: string[] } {
  const [first = "", remark = ""] = fix.split(/ {4}\((?=\S)/);
  const commands = [...remark.matchAll(/pulumi config (?:set|rm) [^()]*[^()\s]/g)].map(([command]) => command);
  const isNext = /^(then|and then)\b/.test(remark);
  return { first, next: isNext ? commands : [], others: isNext ? [] : commands };
}

/** What no program does: fetch a file, or think of a second key. */
export const needsMore = /^helm |"\$\(|, and the same for |, write it into /;

/** @returns a configuration after the commands of a message */
export function followFix(fix: string, file: StackFile, answer?: string): StackFile {
  const { first, next } = commandsIn(fix);
  return [first, ...next].reduce((changed, command) => runConfigCommand(command, changed, answer), file);
}

/** Asserts that what a message says to do about a problem of a configuration is of use, where a program can do it. */
export function assertFixes(
  { problem, fix }: { problem: string; fix: string },
  message: string,
  file: StackFile,
): void {
  if (!needsMore.test(fix)) {
    const fixed = findMessage(followFix(fix, file, "glrt-0123456789abcdefghij"));
    // Where a list has the same mistake again, the next one takes the place of the one that is removed.
    assert.ok(timesIn(fixed, problem) < timesIn(message, problem), `${fix} does not fix ${problem}`);
  }
}

/** How often a message has a problem, wherever in a list. */
function timesIn(message: string | undefined, problem: string): number {
  const anywhere = (text: string) => text.replaceAll(/\[\d+\]/g, "[]");
  const problems = message === undefined ? [] : problemsIn(message);
  return problems.filter((other) => anywhere(other.problem) === anywhere(problem)).length;
}
