import { UserError } from "../user-error.ts";
import type { CheckResult } from "./check.ts";
import { describeError } from "../clients/describe-error.ts";
import { examine, openStack, type OpenStack, type StackInput } from "./examine.ts";
import type { Consent } from "./fixes/consent.ts";
import type { Fix, FixTools } from "./fixes/fix.ts";
import { planFixes } from "./fixes/plan.ts";
import { missingRights } from "./fixes/rights.ts";
import { unlock, whoHolds } from "./fixes/unlock.ts";
import { describeResult, paintForTerminal, summary } from "./report.ts";
import { lockOwner, stackHeld } from "./stack-lock.ts";

/** What {@link fixStack} works with. */
export interface FixInput extends StackInput {
  readonly consent: Consent;
}

/** Maximum number of rounds of checks and fixes: what one fix reveals, the next round fixes. */
const mostRounds = 4;

/**
 * Checks, lists the possible fixes, does those with consent, and checks again, until nothing more can be fixed.
 * @returns the results of the last checks
 * @throws UserError when it cannot work, or when another process holds the stack's lock
 */
export async function fixStack(input: FixInput): Promise<readonly CheckResult[]> {
  const { stack, say, masker } = input;
  const mask = (text: string) => masker.mask(text);
  const { tools, context, state } = await openStack(input);
  const missing = await missingRights(tools, context.expected);
  if (missing.length > 0) {
    throw new UserError(`You lack permissions to fix it.\n${mask(missing.join("\n"))}\nNothing was changed.`);
  }
  await clearLock({ tools, state }, input);
  const tried = new Set<string>();
  for (let round = 1; ; round += 1) {
    const open = await openStack(input);
    const results = await examine(open, mask);
    const shown = round === 1 ? results : results.filter(({ status }) => status !== "ok");
    say([...shown.map((result) => describeResult(result, paintForTerminal)), "", summary(stack, results)].join("\n"));
    const fixes = round > mostRounds ? [] : planFixes(results, tried, stack);
    if (fixes.length === 0) {
      return results;
    }
    say(mask(`\n${describePlan(fixes)}`));
    const done = await carryOut(fixes, open.tools, input);
    fixes.forEach(({ id }) => tried.add(id));
    if (done === 0) {
      return results;
    }
    say("\nChecking again:\n");
  }
}

/** Nothing is changed while another process holds the stack's lock. */
async function clearLock({ tools, state }: Pick<OpenStack, "tools" | "state">, { say, consent }: FixInput) {
  const held = await stackHeld(tools.commands, state);
  if (held === undefined) {
    return;
  }
  const owners = "update" in held ? [] : await Promise.all(held.locks.map((lock) => lockOwner(lock)));
  if (owners.includes("alive")) {
    throw new UserError(`Another pulumi process is working on the stack: ${whoHolds(held)}.\nNothing was changed.`);
  }
  const fix = unlock(tools.stack, held, owners.length > 0 && owners.every((owner) => owner === "gone"));
  say(`✖ The stack is not locked\n    ${whoHolds(held)}\n\n${describePlan([fix])}`);
  const { yes, why = "" } = await consent(fix);
  if (!yes) {
    throw new UserError(`${why}\nNothing was changed, since everything else needs the lock.`);
  }
  await fix.run(tools);
  say("✔ Done.\n");
}

/** @returns the fixes, each with the commands that do the same */
export function describePlan(fixes: readonly Fix[]): string {
  const lines = fixes.flatMap(({ title, commands }, index) => [
    `  ${index + 1}. ${title}`,
    ...commands.map((command) => `     → ${command}`),
  ]);
  return ["What can be done:", ...lines].join("\n");
}

/** @returns how many were tried */
async function carryOut(fixes: readonly Fix[], tools: FixTools, { consent, say, masker }: FixInput): Promise<number> {
  let done = 0;
  for (const fix of fixes) {
    const { yes, why = "" } = await consent(fix);
    say(masker.mask(`\n${fix.title}`));
    if (!yes) {
      say(`– Not done. ${why}`);
      continue;
    }
    done += 1;
    try {
      await fix.run(tools);
      say("✔ Done.");
    } catch (error) {
      say(masker.mask(`✖ Not done: ${describeError(error)}`));
    }
  }
  return done;
}
