import { ok, problem, type Check } from "../check.ts";
import { restore } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { putBack } from "../fixes/put-back.ts";

/** Nobody has paused the runner but the configuration. */
export const runnerPaused: Check<DoctorContext> = {
  id: "runner-paused",
  title: "The runner takes jobs",
  needs: ["runner"],
  run: async ({ runner, expected, stack }) => {
    const paused = (await runner())?.paused === true;
    const wanted = expected.runner?.paused ?? false;
    if (paused === wanted) {
      return ok(paused ? "it is paused, as configured" : "it is not paused");
    }
    return problem(
      paused
        ? "It is paused in GitLab, and so takes no jobs."
        : "It takes jobs, though the configuration says that it is paused.",
      expected.runner === undefined ? "Resume it in GitLab; this stack does not manage it." : restore(stack),
      expected.runner === undefined ? undefined : putBack(stack),
    );
  },
};
