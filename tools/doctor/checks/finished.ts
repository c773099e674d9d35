import { ok, problem, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { restore } from "../commands.ts";
import { putBack } from "../fixes/put-back.ts";

/** @returns a check that the stack was deployed to its end at least once */
export function finished(hasOutputs: boolean): Check<DoctorContext> {
  return {
    id: "finished",
    title: "The stack was deployed to its end",
    run: ({ stack }) =>
      Promise.resolve(
        hasOutputs
          ? ok(`stack ${stack}`)
          : problem(
              "Its outputs are not complete: its first pulumi up was cut off, has failed, or was an older version's.",
              restore(stack),
              putBack(stack),
            ),
      ),
  };
}
