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
          : problem("Its first pulumi up was cut off, or has failed.", restore(stack), putBack(stack)),
      ),
  };
}
