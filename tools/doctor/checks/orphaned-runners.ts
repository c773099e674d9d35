import { ok, skipped, warning, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { httpStatus } from "../../clients/describe-error.ts";
import type { ExpectedRunner } from "../expected-stack.ts";
import type { RunnerOwner } from "../../clients/gitlab.ts";
import { deleteRunner } from "../fixes/delete-runner.ts";

/** GitLab has no second runner that looks like this one, such as one left behind by a stack whose state was lost. */
export const orphanedRunners: Check<DoctorContext> = {
  id: "orphaned-runners",
  title: "No runner was left behind in GitLab",
  needs: ["runner"],
  run: async ({ gitlab, runner, expected }) => {
    const own = await runner();
    if (expected.runner === undefined || own === undefined) {
      return skipped("This stack does not manage the runner.");
    }
    if (own.description === null || own.description === "") {
      return skipped("The runner has no description, so a duplicate could not be recognized.");
    }
    let all: readonly { readonly id: number; readonly description: string | null }[];
    try {
      all = await gitlab.runnersOf(ownerOf(expected.runner));
    } catch (error) {
      if (httpStatus(error) === 403) {
        return skipped("Your access token may not list runners: this requires the scope read_api.");
      }
      throw error;
    }
    const others = all.filter(({ id, description }) => id !== own.id && description === own.description);
    return others.length === 0
      ? ok(`${JSON.stringify(own.description)} is unique`)
      : warning(
          `${others.map(({ id }) => `#${id}`).join(", ")} ${others.length === 1 ? "has" : "have"} the same description and owner as this stack's #${own.id}.`,
          [
            "Unless another stack created it, delete it:",
            ...others.map(
              ({ id }) =>
                `curl --request DELETE --header "PRIVATE-TOKEN: $GITLAB_TOKEN" ${gitlab.baseUrl}/runners/${id}`,
            ),
          ].join("\n"),
          ...others.map(({ id }) => deleteRunner(id, gitlab.baseUrl)),
        );
  },
};

function ownerOf({ runnerType, projectId = 0, groupId = 0 }: ExpectedRunner): RunnerOwner {
  switch (runnerType) {
    case "project_type":
      return { projectId };
    case "group_type":
      return { groupId };
    case "instance_type":
      return { instance: true };
  }
}
