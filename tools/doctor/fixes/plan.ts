import type { CheckResult } from "../check.ts";
import { putBack } from "./put-back.ts";
import { stages, type Fix } from "./fix.ts";

/**
 * Chooses what to do about the findings of one round: what has not been tried yet, and a last resort where nothing else is left.
 * `pulumi up` comes again as often as something was cleared out of its way.
 * @param tried ids of the fixes that were done, or refused, in earlier rounds
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
