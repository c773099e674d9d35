import { ok, problem, skipped, warning, type Check } from "../check.ts";
import { restore } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import type { GitLabRunner } from "../../clients/gitlab.ts";
import { putBack } from "../fixes/put-back.ts";
import { releaseProject } from "../fixes/release-project.ts";
import { resourceTypes, resourcesOf, type ExportedState } from "../stack-state.ts";

/** Every extra project may use the runner, and no other project. */
export const runnerProjects: Check<DoctorContext> = {
  id: "runner-projects",
  title: "The extra projects may use the runner",
  needs: ["runner"],
  run: async ({ runner, expected, stack, state, gitlab }) => {
    if (expected.runner === undefined) {
      return skipped("This stack does not manage the runner; its projects are set in GitLab.");
    }
    if (expected.runner.runnerType !== "project_type") {
      return skipped("It is not a project runner: it serves all projects of its group or instance.");
    }
    const found = await runner();
    const { id: runnerId = 0, projects = [] } = found ?? {};
    const { missing, surplus } = compareProjects(projects, expected.extraProjects, expected.runner.projectId);
    const unexpected = surplus.map(({ id, path_with_namespace: path }) => `${path} (${id})`).join(", ");
    const manual =
      "Add them to extraProjects, or remove the runner from them in GitLab: until then, GitLab refuses to delete the runner.";
    const surplusFixes = surplus.map(({ id }) =>
      releaseProject({ runnerId, project: String(id), isConfigured: false }, gitlab.baseUrl),
    );
    const byHand = state === undefined ? [] : enabledByHand(expected.extraProjects, missing, state);
    if (byHand.length > 0) {
      return problem(
        `It was enabled by hand for ${byHand.join(", ")}, so pulumi up fails with 400 runner_error.`,
        `Remove the runner from the project in GitLab, then: ${restore(stack)}`,
        ...byHand.map((project) => releaseProject({ runnerId, project, isConfigured: true }, gitlab.baseUrl)),
      );
    }
    if (missing.length > 0) {
      return problem(
        [
          `It is not enabled for ${missing.join(", ")}, or your access token cannot see that.`,
          ...(unexpected === "" ? [] : [`It is enabled for ${unexpected}, which is not in the configuration.`]),
        ].join("\n"),
        `${restore(stack)}${unexpected === "" ? "" : `\n${manual}`}`,
        putBack(stack),
        ...surplusFixes,
      );
    }
    if (unexpected !== "") {
      return warning(
        `It is also enabled for ${unexpected}, which is not in the configuration.`,
        manual,
        ...surplusFixes,
      );
    }
    const count = expected.extraProjects.length;
    return ok(count === 0 ? "none is configured" : `${count} of ${count}`);
  },
};

/** @returns the configured projects that are enabled in GitLab but not in Pulumi's state */
export function enabledByHand(wanted: readonly string[], missing: readonly string[], state: ExportedState): string[] {
  const known = resourcesOf(state, resourceTypes.enablement).map(({ inputs }) => String(inputs?.["project"]));
  return wanted.filter((project) => !missing.includes(project) && !known.includes(project));
}

type Project = NonNullable<GitLabRunner["projects"]>[number];

/** @param wanted ids and full paths @param owner id of the project that needs no enabling */
export function compareProjects(
  found: readonly Project[],
  wanted: readonly string[],
  owner: number | undefined,
): { readonly missing: string[]; readonly surplus: Project[] } {
  const names = ({ id, path_with_namespace: path }: Project) => [String(id), path.toLowerCase()];
  const enabled = new Set(found.flatMap(names));
  const configured = new Set([String(owner), ...wanted.map((project) => project.toLowerCase())]);
  return {
    missing: wanted.filter((project) => !enabled.has(project.toLowerCase())),
    surplus: found.filter((project) => !names(project).some((name) => configured.has(name))),
  };
}
