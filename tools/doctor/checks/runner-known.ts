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
      return skipped("This stack does not manage the runner, and GitLab shows its id only for a valid token.");
    }
    try {
      const found = await runner();
      return found === undefined
        ? problem(
            `GitLab has no runner #${id}; it was deleted.`,
            `Create a new one, which also gets a new token:\n${restore(stack)}`,
            putBack(stack),
          )
        : ok([`#${id}`, found.description, found.runner_type].filter(Boolean).join(", "));
    } catch (error) {
      if (httpStatus(error) !== 403) {
        throw error;
      }
      const reason = `Your access token may not see runner #${id}.`;
      return outputs.runnerId === undefined
        ? skipped(`This stack does not manage the runner. ${reason}`)
        : problem(
            reason,
            "Use one with the scope read_api or manage_runner, of a maintainer of the project or group that owns the runner.",
          );
    }
  },
};
