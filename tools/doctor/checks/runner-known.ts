import { ok, problem, skipped, type Check } from "../check.ts";
import { restore } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { httpStatus } from "../../clients/describe-error.ts";
import { putBack } from "../fixes/put-back.ts";

/** The stack's runner exists in GitLab. */
export const runnerKnown: Check<DoctorContext> = {
  id: "runner",
  title: "GitLab knows the runner",
  needs: ["gitlab-token"],
  run: async ({ runner, runnerId, outputs, stack }) => {
    const id = await runnerId();
    if (id === undefined) {
      return skipped("The runner is not this stack's, and GitLab tells its id only for a token that it knows.");
    }
    try {
      const found = await runner();
      return found === undefined
        ? problem(
            `GitLab has no runner #${id}; someone has deleted it.`,
            `It takes a new one, which also gets a new token:\n${restore(stack)}`,
            putBack(stack),
          )
        : ok([`#${id}`, found.description, found.runner_type].filter(Boolean).join(", "));
    } catch (error) {
      if (httpStatus(error) !== 403) {
        throw error;
      }
      const reason = `Your access token may not see runner #${id}.`;
      return outputs.runnerId === undefined
        ? skipped(`The runner is not this stack's. ${reason}`)
        : problem(
            reason,
            "Use one with the scope read_api or manage_runner, of a maintainer of what the runner belongs to.",
          );
    }
  },
};
