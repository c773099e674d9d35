import { remove, repeated, rule, set, when, type Rule } from "./rule.ts";

/** Contradictions between settings that GitLab stores. */
export const registrationRules: readonly Rule[] = [
  ...(["project", "group"] as const).flatMap(ownerRules),

  rule(["registration.extraProjects", "registration.runnerType"], (extraProjects, runnerType) =>
    when(extraProjects.length > 0 && runnerType !== "project", ["registration", "extraProjects"], {
      expected: `must not be set for a runner of type ${runnerType}, which serves all its projects anyway`,
      fix: {
        first: remove("registration", "extraProjects"),
        or: set(["registration", "runnerType"], "project"),
      },
    }),
  ),

  rule(["registration.extraProjects", "registration.locked"], (extraProjects, locked) =>
    when(extraProjects.length > 0 && locked, ["registration", "locked"], {
      expected: "must be false with extraProjects: GitLab does not enable a locked runner for other projects (403)",
      fix: { first: set(["registration", "locked"], false), or: remove("registration", "extraProjects") },
    }),
  ),

  rule(["registration.extraProjects", "registration.projectId"], (extraProjects, projectId) =>
    repeated([projectId, ...extraProjects]).map(({ value, index }) => ({
      path: ["registration", "extraProjects", index - 1],
      expected: value === projectId ? "must not name the project that owns the runner" : "must name each project once",
    })),
  ),

  rule(["registration.tags"], (tags) =>
    repeated(tags).map(({ index }) => ({
      path: ["registration", "tags", index],
      expected: "must name each tag once",
    })),
  ),

  rule(["registration.tags", "registration.runUntagged"], (tags, runUntagged) =>
    when(tags.length === 0 && !runUntagged, ["registration", "tags"], {
      expected: "must not be empty without runUntagged: no job would reach the runner, and GitLab refuses it",
      fix: {
        first: set(["registration", "tags", 0], "kubernetes"),
        or: set(["registration", "runUntagged"], true),
      },
    }),
  ),
];

function ownerRules(type: "project" | "group"): Rule[] {
  const key = `${type}Id` as const;
  const path = ["registration", key];
  return [
    rule(["registration.runnerType", `registration.${key}`], (runnerType, id) => [
      ...when(runnerType === type && id === undefined, path, {
        expected: `must be set: a runner of type ${type} needs the id of its ${type}`,
        fix: { first: set(path, 12345678), note: `GitLab shows the id on the ${type}'s page, in its menu` },
      }),
      ...when(runnerType !== type && id !== undefined, path, {
        expected: `must not be set for a runner of type ${runnerType}`,
        fix: { first: remove(...path), or: set(["registration", "runnerType"], type) },
      }),
    ]),
  ];
}
