import type { CheckResult } from "./check.ts";
import { DoctorError } from "./doctor-error.ts";
import { describeError } from "./describe-error.ts";
import { examine, readState, type ExamineInput } from "./examine.ts";
import type { Consent } from "./fixes/consent.ts";
import type { Fix, FixTools } from "./fixes/fix.ts";
import { planFixes } from "./fixes/plan.ts";
import { missingRights } from "./fixes/rights.ts";
import { unlock, whoHolds } from "./fixes/unlock.ts";
import { describeResult, paintForTerminal, summary } from "./report.ts";
import { commandsFor } from "./run-commands.ts";
import { lockOwner, stackHeld } from "./stack-lock.ts";

/** What {@link fixStack} works with. */
export interface FixInput extends ExamineInput {
  readonly consent: Consent;
}

/** How often the stack is looked at and fixed: what one fix brings to light, the next round does. */
const mostRounds = 4;

/**
 * Looks, says what it can do, does what it may, and looks again, until nothing more can be done.
 * @returns what is left at the end
 * @throws DoctorError when it cannot work, or must not, since somebody else is at work on the stack
 */
export async function fixStack(input: FixInput): Promise<readonly CheckResult[]> {
  const { stack, say, masker } = input;
  await clearLock(input);
  const tried = new Set<string>();
  for (let round = 1; ; round += 1) {
    const { results, expected, tools } = await examine(input);
    const shown = round === 1 ? results : results.filter(({ status }) => status !== "ok");
    say([...shown.map((result) => describeResult(result, paintForTerminal)), "", summary(stack, results)].join("\n"));
    const fixes = round > mostRounds ? [] : planFixes(results, tried, stack);
    if (fixes.length === 0) {
      return results;
    }
    if (round === 1) {
      const missing = await missingRights(tools, expected);
      if (missing.length > 0) {
        throw new DoctorError(masker.mask(`\nYou may not fix it.\n${missing.join("\n")}\nNothing was touched.`));
      }
    }
    say(masker.mask(`\n${describePlan(fixes)}`));
    const done = await carryOut(fixes, tools, input);
    fixes.forEach(({ id }) => tried.add(id));
    if (done === 0) {
      return results;
    }
    say("\nLooking again:\n");
  }
}

/** Nothing is touched while somebody else holds the stack. */
async function clearLock({ stack, masker, say, consent }: FixInput): Promise<void> {
  const noCluster = () => {
    throw new Error("no cluster is needed for a lock");
  };
  const commands = commandsFor({ stack, kubernetes: noCluster, mask: (text) => masker.mask(text), say });
  const held = await stackHeld(commands, await readState(commands));
  if (held === undefined) {
    return;
  }
  const owners = "update" in held ? [] : await Promise.all(held.locks.map((lock) => lockOwner(lock)));
  if (owners.includes("alive")) {
    throw new DoctorError(`Somebody's pulumi works on the stack right now: ${whoHolds(held)}.\nNothing was touched.`);
  }
  const fix = unlock(stack, held, owners.length > 0 && owners.every((owner) => owner === "gone"));
  say(`✖ Nobody holds the stack's lock\n    ${whoHolds(held)}\n\n${describePlan([fix])}`);
  const { yes, why = "" } = await consent(fix);
  if (!yes) {
    throw new DoctorError(`${why}\nNothing was touched, since all else needs the lock.`);
  }
  await fix.run({ commands });
  say("✔ Done.\n");
}

/** @returns the fixes with what someone would type instead */
export function describePlan(fixes: readonly Fix[]): string {
  const lines = fixes.flatMap(({ title, commands }, index) => [
    `  ${index + 1}. ${title}`,
    ...commands.map((command) => `     → ${command}`),
  ]);
  return ["What can be done:", ...lines].join("\n");
}

/** @returns how many were done */
async function carryOut(fixes: readonly Fix[], tools: FixTools, { consent, say, masker }: FixInput): Promise<number> {
  let done = 0;
  for (const fix of fixes) {
    say(masker.mask(`\n${fix.title}`));
    const { yes, why = "" } = await consent(fix);
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
