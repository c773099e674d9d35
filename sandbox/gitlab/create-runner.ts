import { z } from "zod";
import type { AppContext } from "./context.ts";
import { badRequest, forbidden, invalidParameters } from "./errors.ts";
import {
  integer,
  optionalBoolean,
  optionalInteger,
  optionalTags,
  optionalText,
  optionalWord,
  parseParameters,
} from "./parameters.ts";
import { maintains } from "./permissions.ts";
import { presentRegistration } from "./present.ts";
import { toSentence, validateRunner } from "./runner-validation.ts";
import type { GitLabStore, NewRunner } from "./store.ts";

const minutes = 60_000;

/** Body fields that describe a runner wherever one is created. */
export const runnerFields = {
  description: optionalText,
  maintenance_note: optionalText,
  paused: optionalBoolean,
  locked: optionalBoolean,
  access_level: optionalWord(["not_protected", "ref_protected"]),
  run_untagged: optionalBoolean,
  tag_list: optionalTags,
  maximum_timeout: optionalInteger,
};

const createFields = {
  ...runnerFields,
  token_expires_at: z.iso.datetime({ offset: true }).nullish(),
  token_rotation_deadline: z.iso.datetime({ offset: true }).nullish(),
};

const createSchema = z.discriminatedUnion("runner_type", [
  z.object({ ...createFields, runner_type: z.literal("instance_type") }),
  z.object({ ...createFields, runner_type: z.literal("group_type"), group_id: integer }),
  z.object({ ...createFields, runner_type: z.literal("project_type"), project_id: integer }),
]);

type CreateParameters = z.output<typeof createSchema>;

/** The runner that the fields describe, with GitLab's defaults for missing ones. */
export function newRunnerFrom(
  fields: z.output<z.ZodObject<typeof runnerFields>>,
): Omit<NewRunner, "type" | "registered" | "info"> {
  return {
    description: fields.description ?? null,
    maintenanceNote: fields.maintenance_note ?? null,
    paused: fields.paused ?? false,
    locked: fields.locked ?? false,
    accessLevel: fields.access_level ?? "not_protected",
    runUntagged: fields.run_untagged ?? true,
    tags: fields.tag_list ?? [],
    maximumTimeout: fields.maximum_timeout ?? null,
  };
}

/** The runner's project or group; looked up before permissions are checked, as in GitLab. */
function scopeOf(
  store: GitLabStore,
  c: AppContext,
  wanted: CreateParameters,
): Pick<NewRunner, "groupId" | "ownerProjectId"> {
  const user = c.get("caller").user;
  const refused = forbidden("Insufficient permissions");
  if (wanted.runner_type === "group_type") {
    const group = store.groups.get(wanted.group_id);
    if (!group) {
      throw badRequest("Missing/invalid group");
    }
    if (!maintains(store, user, group)) {
      throw refused;
    }
    return { groupId: group.id };
  }
  if (wanted.runner_type === "project_type") {
    const project = store.projects.get(wanted.project_id);
    if (!project) {
      throw badRequest("Missing/invalid project");
    }
    if (!maintains(store, user, project)) {
      throw refused;
    }
    return { ownerProjectId: project.id };
  }
  if (!user.admin) {
    throw refused;
  }
  return {};
}

function tokenTimes(
  store: GitLabStore,
  wanted: CreateParameters,
): Pick<NewRunner, "tokenExpiresAt" | "tokenRotationDeadline"> {
  const { token_expires_at: expiry, token_rotation_deadline: deadline } = wanted;
  if (typeof expiry !== "string") {
    if (typeof deadline === "string") {
      throw invalidParameters("token_rotation_deadline requires token_expires_at");
    }
    return {};
  }
  const tokenExpiresAt = Date.parse(expiry);
  const ahead = tokenExpiresAt - store.now();
  if (ahead < 5 * minutes || ahead > 15 * 24 * 60 * minutes) {
    throw badRequest("Token expires at must be between 5 minutes and 15 days in the future");
  }
  if (typeof deadline !== "string") {
    return { tokenExpiresAt };
  }
  const tokenRotationDeadline = Date.parse(deadline);
  if (tokenRotationDeadline > tokenExpiresAt) {
    throw badRequest("Token rotation deadline must be less than or equal to token expires at");
  }
  return { tokenExpiresAt, tokenRotationDeadline };
}

/** `POST /user/runners`. */
export function createUserRunner(store: GitLabStore, c: AppContext): Response {
  const wanted = parseParameters(createSchema, c.get("parameters"));
  const runner: NewRunner = {
    ...newRunnerFrom(wanted),
    ...scopeOf(store, c, wanted),
    ...tokenTimes(store, wanted),
    type: wanted.runner_type,
    creator: c.get("caller").user,
    registered: false,
    info: {},
  };
  const problems = validateRunner(runner);
  if (Object.keys(problems).length > 0) {
    throw badRequest(toSentence(problems));
  }
  return c.json(presentRegistration(store.createRunner(runner)), 201);
}
