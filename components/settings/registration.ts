import { z } from "zod";
import { input, object } from "./setting.ts";

const notAProject = "must be the id or the full path of a project";
const notATimeout = "must be a whole number of seconds, at least 600";

/** Paths of a group and a project; see https://docs.gitlab.com/user/reserved_names/#rules-for-usernames-project-and-group-names-and-slugs */
const projectPath = /^[A-Za-z0-9_.][\w.-]*(\/[A-Za-z0-9_.][\w.-]*)+$/;

/** GitLab answers 400 to a null character in any text. */
const freeText = z
  .string()
  .max(1024)
  .refine((value) => !value.includes("\0"), "must not contain a null character");

const project = z
  .union(
    [
      z.int().min(1),
      z
        .string()
        .regex(projectPath, notAProject)
        .refine((path) => !projectPath.test(path) || !path.endsWith(".git"), notAProject),
    ],
    { error: notAProject },
  )
  .meta({ example: "my-group/my-project" });

const tag = z
  .string()
  .max(255)
  .superRefine((text, context) => {
    // GitLab splits tags at commas, and trims spaces and quotes around them:
    // https://gitlab.com/gitlab-org/gitlab/-/blob/master/lib/gitlab/ci/tags/parser.rb
    const [first = ""] = text.split(/[,\0]/).map((part) => part.replace(/^[\s"']+|[\s"']+$/g, ""));
    if (text === "" || text !== first) {
      const message = "must be one tag, without a comma, or a space or quote at its ends";
      const isTag = first !== "" && first.length <= 255;
      context.addIssue({ code: "custom", message, params: { example: isTag ? first : undefined } });
    }
  })
  .meta({ example: "kubernetes" });

const userRunner = "gitlab:index/userRunner:UserRunner";

/** Settings of a runner that GitLab stores. */
export const registrationSettings = object({
  runnerType: input(z.enum(["project", "group", "instance"]).default("project")).meta({
    description:
      "What the runner serves: one project (and those it is enabled for), a group, or a whole GitLab instance.",
    to: { resource: userRunner, input: "runnerType", as: (type: string) => `${type}_type` },
  }),
  projectId: input(z.int().min(1))
    .optional()
    .meta({
      description: "Id of the project that owns the runner; required for `project`, not allowed otherwise.",
      unset: "none",
      example: 12345678,
      to: { resource: userRunner, input: "projectId" },
    }),
  groupId: input(z.int().min(1))
    .optional()
    .meta({
      description: "Id of the group that owns the runner; required for `group`, not allowed otherwise.",
      unset: "none",
      example: 12345678,
      to: { resource: userRunner, input: "groupId" },
    }),
  extraProjects: z
    .array(project)
    .default([])
    .meta({
      description: "Ids or full paths of the other projects that may use a project runner.",
      unset: "none",
      to: { resource: "gitlab:index/projectRunnerEnablement:ProjectRunnerEnablement" },
      // A list of numbers and text has no type there.
      comment: "Ids or full paths: a list of mixed type, which cannot be declared here.",
    }),
  // 50 tags at most: https://gitlab.com/gitlab-org/gitlab/-/blob/master/app/models/ci/runner.rb (TAG_LIST_MAX_LENGTH)
  tags: input(z.array(input(tag)).max(50).default(["kubernetes", "homelab"])).meta({
    description: "Tags whose jobs the runner picks up; may be empty with `runUntagged`.",
    to: { resource: userRunner, input: "tagLists" },
  }),
  runUntagged: input(z.boolean().default(false)).meta({
    description: "Also pick up jobs without tags.",
    to: { resource: userRunner, input: "untagged" },
  }),
  locked: input(z.boolean().default(false)).meta({
    description: "Lock the runner: it cannot be enabled for other projects.",
    to: { resource: userRunner, input: "locked" },
  }),
  paused: input(z.boolean().default(false)).meta({
    description: "Pause the runner: it takes no new jobs.",
    to: { resource: userRunner, input: "paused" },
  }),
  protectedOnly: input(z.boolean().default(false)).meta({
    description: "Run only jobs of protected branches and tags.",
    to: {
      resource: userRunner,
      input: "accessLevel",
      as: (isProtected: boolean) => (isProtected ? "ref_protected" : "not_protected"),
    },
  }),
  description: input(freeText)
    .optional()
    .meta({
      description: "Name of the runner in GitLab.",
      unset: "none",
      example: "k8s-homelab-runner",
      to: { resource: userRunner, input: "description" },
    }),
  maintenanceNote: input(freeText)
    .optional()
    .meta({
      description: "Note for GitLab's administrators, 1,024 characters at most.",
      unset: "none",
      example: "Ask the platform team",
      to: { resource: userRunner, input: "maintenanceNote" },
    }),
  maximumTimeout: input(z.int(notATimeout).min(600, notATimeout).max(2_147_483_647, "must be at most 2147483647"))
    .optional()
    .meta({
      description:
        "Longest time that a job may run, in seconds, at least 600. GitLab keeps the limit when it is no longer set, and Pulumi warns of that.",
      unset: "the project's own timeout",
      example: 3600,
      to: { resource: userRunner, input: "maximumTimeout" },
    }),
}).meta({ id: "RegistrationArgs", description: "The runner to create in GitLab." });

/** Complete settings of a runner that GitLab stores. */
export interface RegistrationSettings extends z.output<typeof registrationSettings> {}
