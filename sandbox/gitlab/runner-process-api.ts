import { getConnInfo } from "@hono/node-server/conninfo";
import { Hono } from "hono";
import { z } from "zod";
import { checkUnmodified } from "./conditions.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { newRunnerFrom, runnerFields } from "./create-runner.ts";
import { ApiError, forbidden, invalidParameters, notFound, validationFailed } from "./errors.ts";
import type { Runner, RunnerInfo, RunnerType } from "./model.ts";
import { optionalBoolean, optionalText, parseParameters } from "./parameters.ts";
import { presentRegistration, presentToken } from "./present.ts";
import { validateRunner } from "./runner-validation.ts";
import type { GitLabStore } from "./store.ts";

const infoSchema = z
  .object({
    name: optionalText,
    version: optionalText,
    revision: optionalText,
    platform: optionalText,
    architecture: optionalText,
    executor: optionalText,
    features: z.record(z.string(), z.unknown()).nullish(),
  })
  .nullish();
const runnerSchema = z.object({ token: z.string(), system_id: optionalText, info: infoSchema });
const managerSchema = z.object({ token: z.string(), system_id: z.string() });
const registerSchema = z.object({
  ...runnerFields,
  token: z.string(),
  maintainer_note: optionalText,
  active: optionalBoolean,
  info: infoSchema,
});

function clean(c: AppContext, info: z.output<typeof infoSchema>): RunnerInfo {
  const { name, version, revision, platform, architecture, executor } = info ?? {};
  const said = { name, version, revision, platform, architecture, executor, ipAddress: getConnInfo(c).remote.address };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => typeof value === "string"));
}

/** The runner with the call's token; its contact is recorded. Throws a 403 if no runner has that token. */
export function authenticateRunner(
  store: GitLabStore,
  c: AppContext,
): { runner: Runner; systemId: string | undefined } {
  // Newer runners send the token in a header, too; the one in the body takes precedence.
  const header = c.req.header("runner-token");
  const parameters = c.get("parameters");
  const told = parseParameters(runnerSchema, header === undefined ? parameters : { token: header, ...parameters });
  const runner = store.runnerByToken(told.token);
  if (!runner) {
    throw forbidden();
  }
  const systemId = told.system_id ?? undefined;
  const manager = store.contact(runner, clean(c, told.info), systemId);
  const features = told.info?.features;
  if (manager && features) {
    manager.cancelsGracefully = features.cancel_gracefully === true;
  }
  return { runner, systemId };
}

function register(store: GitLabStore, c: AppContext): Response {
  const parameters = c.get("parameters");
  for (const pair of [
    ["maintainer_note", "maintenance_note"],
    ["active", "paused"],
  ] as const) {
    if (pair.every((name) => name in parameters)) {
      throw invalidParameters(`${pair.join(", ")} are mutually exclusive`);
    }
  }
  const fields = parseParameters(registerSchema, parameters);
  if (store.registrationTokens.length === 0) {
    throw new ApiError(410, { message: "410 Gone - runner registration disallowed" });
  }
  const grant = store.registrationTokens.find((candidate) => candidate.token === fields.token);
  if (!grant) {
    throw forbidden("invalid token supplied");
  }
  const { groupId, projectId } = grant;
  const type: RunnerType =
    projectId !== undefined ? "project_type" : groupId !== undefined ? "group_type" : "instance_type";
  const created = newRunnerFrom({
    ...fields,
    maintenance_note: fields.maintenance_note ?? fields.maintainer_note,
    paused: typeof fields.active === "boolean" ? !fields.active : fields.paused,
  });
  const problems = validateRunner(created);
  if (Object.keys(problems).length > 0) {
    throw validationFailed(problems);
  }
  const runner = store.createRunner({
    ...created,
    type,
    ...(projectId === undefined ? {} : { ownerProjectId: projectId }),
    ...(projectId !== undefined || groupId === undefined ? {} : { groupId }),
    registered: true,
    info: clean(c, fields.info),
  });
  return c.json(presentRegistration(runner), 201);
}

/** The API that a runner process calls with its own token, except for jobs. */
export function runnerProcessApi(store: GitLabStore): Hono<AppEnv> {
  const api = new Hono<AppEnv>();
  api.post("/runners", (c) => register(store, c));
  api.post("/runners/verify", (c) => c.json(presentRegistration(authenticateRunner(store, c).runner)));
  api.post("/runners/reset_authentication_token", (c) => {
    const { runner } = authenticateRunner(store, c);
    if (runner.tokenRotationDeadline !== undefined && runner.tokenRotationDeadline <= store.now()) {
      throw forbidden("Token rotation deadline has passed");
    }
    store.resetToken(runner);
    return c.json(presentToken(runner), 201);
  });
  // Newer runners may ask for a job router; there is none.
  api.get("/runners/router/discovery", (c) => {
    authenticateRunner(store, c);
    throw new ApiError(501, { message: "501 Not Implemented" });
  });
  api.delete("/runners", (c) => {
    const { runner } = authenticateRunner(store, c);
    checkUnmodified(c, runner.updatedAt);
    store.runners.delete(runner.id);
    return c.body(null, 204);
  });
  api.delete("/runners/managers", (c) => {
    const { token, system_id: systemId } = parseParameters(managerSchema, c.get("parameters"));
    const runner = store.runnerByToken(token);
    if (!runner) {
      throw forbidden();
    }
    if (!runner.managers.some((manager) => manager.systemId === systemId)) {
      throw notFound("Runner manager");
    }
    runner.managers = runner.managers.filter((manager) => manager.systemId !== systemId);
    return c.body(null, 204);
  });
  return api;
}
