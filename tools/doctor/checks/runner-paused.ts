import { ok, problem, type Check } from "../check.ts";
import { restore } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { putBack } from "../fixes/put-back.ts";

/** The runner is paused only if the configuration says so. */
export const runnerPaused: Check<DoctorContext> = {
  id: "runner-paused",
  title: "The runner is paused or active as configured",
  needs: ["runner"],
  run: async ({ runner, expected, stack }) => {
    const paused = (await runner())?.paused === true;
    const wanted = expected.runner?.paused ?? false;
    if (paused === wanted) {
      return ok(paused ? "it is paused, as configured" : "it is not paused");
    }
    return problem(
      paused
        ? "It is paused in GitLab, so it takes no jobs."
        : "It takes jobs, but the configuration says that it is paused.",
      expected.runner === undefined ? "Resume it in GitLab; this stack does not manage it." : restore(stack),
      expected.runner === undefined ? undefined : putBack(stack),
    );
  },
};
