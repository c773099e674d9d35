import { ok, problem, skipped, type Check } from "../check.ts";
import { restore } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { difference } from "../difference.ts";
import { putBack } from "../fixes/put-back.ts";

/** The runner in GitLab has the configured tags. */
export const runnerTags: Check<DoctorContext> = {
  id: "runner-tags",
  title: "The runner's tags are as configured",
  needs: ["runner"],
  run: async ({ runner, expected, stack }) => {
    if (expected.runner === undefined) {
      return skipped("This stack does not manage the runner; its tags are set in GitLab.");
    }
    const { missing, surplus } = difference((await runner())?.tag_list ?? [], expected.runner.tagLists);
    const found = [
      ...(missing.length > 0
        ? [
            `In GitLab it lacks ${quote(missing)}: jobs with ${missing.length === 1 ? "that tag" : "those tags"} wait forever.`,
          ]
        : []),
      ...(surplus.length > 0 ? [`In GitLab it also has ${quote(surplus)}, which is not in the configuration.`] : []),
    ];
    return found.length === 0
      ? ok(expected.runner.tagLists.join(", ") || "none")
      : problem(found.join("\n"), restore(stack), putBack(stack));
  },
};

function quote(tags: readonly string[]): string {
  return tags.map((tag) => JSON.stringify(tag)).join(", ");
}
