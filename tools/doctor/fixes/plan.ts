import type { CheckResult } from "../check.ts";
import { putBack } from "./put-back.ts";
import { stages, type Fix } from "./fix.ts";

/**
 * Chooses the fixes for the findings of one round: those not tried yet, or a last resort if nothing else is left.
 * `pulumi up` is repeated after each fix that removes an obstacle to it.
 * @param tried ids of the fixes that were done or declined in earlier rounds
 * @returns the fixes, each once, in the order in which they are to be done
 */
export function planFixes(results: readonly CheckResult[], tried: ReadonlySet<string>, stack: string): Fix[] {
  const chosen = results.flatMap(({ fixes = [] }) => {
    const untried = fixes.filter(({ id }) => !tried.has(id));
    const first = untried.filter(({ lastResort }) => lastResort !== true);
    return first.length > 0 ? first : untried;
  });
  const deploying = chosen.some(({ thenDeploy }) => thenDeploy === true) ? [...chosen, putBack(stack)] : chosen;
  const unique = [...new Map(deploying.map((fix) => [fix.id, fix])).values()];
  return unique.toSorted((a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage));
}
