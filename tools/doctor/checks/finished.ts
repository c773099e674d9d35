import { ok, problem, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { restore } from "../commands.ts";
import { putBack } from "../fixes/put-back.ts";

/** @returns a check that the stack was deployed completely at least once */
export function finished(hasOutputs: boolean): Check<DoctorContext> {
  return {
    id: "finished",
    title: "The stack was deployed completely",
    run: ({ stack }) =>
      Promise.resolve(
        hasOutputs
          ? ok(`stack ${stack}`)
          : problem(
              "Its outputs are not complete: the first pulumi up was interrupted, has failed, or was run with an older version.",
              restore(stack),
              putBack(stack),
            ),
      ),
  };
}
