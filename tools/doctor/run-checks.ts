import { skipped, type Check, type CheckResult, type Finding } from "./check.ts";
import { describeError } from "../clients/describe-error.ts";

/** Inputs of {@link runChecks}. */
export interface RunOptions<Context> {
  readonly context: Context;
  /** Masks the secrets in a text. */
  readonly mask: (text: string) => string;
}

/**
 * Runs all checks side by side, each after those that it needs. None rejects.
 * @returns the results, in the order of the checks
 */
export function runChecks<Context>(
  checks: readonly Check<Context>[],
  { context, mask }: RunOptions<Context>,
): Promise<CheckResult>[] {
  const results = new Map<string, Promise<CheckResult>>();
  const run = async (check: Check<Context>): Promise<CheckResult> => {
    const needed = await Promise.all((check.needs ?? []).map((id) => resultOf(id)));
    const finding = unmet(needed) ?? (await look(check, context));
    const { id, title } = check;
    const { status, found, todo, fixes } = finding;
    return {
      id,
      title,
      status,
      found: mask(found),
      todo: todo === undefined ? null : mask(todo),
      ...(fixes && { fixes }),
    };
  };
  const resultOf = (id: string): Promise<CheckResult> => {
    const result = results.get(id);
    if (result === undefined) {
      throw new Error(`check ${id} must come before those that need it`);
    }
    return result;
  };
  for (const check of checks) {
    results.set(check.id, run(check));
  }
  return [...results.values()];
}

/** @returns why the check is not run, if so. A skipped check passes on its reason, so that the last in a chain still shows it. */
function unmet(needed: readonly CheckResult[]): Finding | undefined {
  const failed = needed.find(({ status }) => status === "problem" || status === "skipped");
  return failed && skipped(failed.status === "skipped" ? failed.found : `It needs: ${failed.title}.`);
}

async function look<Context>(check: Check<Context>, context: Context): Promise<Finding> {
  try {
    return await check.run(context);
  } catch (error) {
    return {
      status: "problem",
      found: `This could not be checked: ${describeError(error)}`,
      todo: "Fix what it reports, then run the doctor again.",
    };
  }
}
