import { Hono } from "hono";
import { z } from "zod";
import { authenticated } from "./auth.ts";
import { checkUnmodified } from "./conditions.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { createUserRunner, runnerFields } from "./create-runner.ts";
import { forbidden, invalidParameters, notFound, validationFailed } from "./errors.ts";
import type { Runner } from "./model.ts";
import { paginate } from "./pagination.ts";
import { integer, optionalBoolean, optionalText, optionalWord, parseParameters } from "./parameters.ts";
import { maintains, mayManage, mayRead } from "./permissions.ts";
import { presentJob, presentManager, presentProject, presentRunnerDetails, presentToken } from "./present.ts";
import { listRunners } from "./runner-lists.ts";
import { validateRunner } from "./runner-validation.ts";
import type { GitLabStore } from "./store.ts";

const idSchema = z.object({ id: integer });
const showSchema = z.object({ include_projects: optionalBoolean });
const updateSchema = z.object({ ...runnerFields, active: optionalBoolean });
const updateFields = [
  "description",
  "active",
  "paused",
  "tag_list",
  "run_untagged",
  "locked",
  "access_level",
  "maximum_timeout",
  "maintenance_note",
] as const;
const jobsSchema = z.object({
  system_id: optionalText,
  status: optionalWord([
    "created",
    "waiting_for_resource",
    "preparing",
    "waiting_for_callback",
    "pending",
    "running",
    "success",
    "failed",
    "canceling",
    "canceled",
    "skipped",
    "manual",
    "scheduled",
  ]),
  order_by: optionalWord(["id"]),
  sort: optionalWord(["asc", "desc"]),
});

function runnerOf(store: GitLabStore, c: AppContext): Runner {
  const runner = store.runners.get(parseParameters(idSchema, { id: c.req.param("id") }).id);
  if (!runner) {
    throw notFound("Runner");
  }
  return runner;
}

function readable(store: GitLabStore, c: AppContext): Runner {
  const runner = runnerOf(store, c);
  if (!mayRead(store, c.get("caller").user, runner)) {
    throw forbidden("No access granted");
  }
  return runner;
}

function manageable(store: GitLabStore, c: AppContext): Runner {
  const runner = runnerOf(store, c);
  if (!mayManage(store, c.get("caller").user, runner)) {
    throw forbidden("No access granted");
  }
  return runner;
}

function updateRunner(store: GitLabStore, c: AppContext): Response {
  const parameters = c.get("parameters");
  if (!updateFields.some((field) => field in parameters)) {
    throw invalidParameters(`${updateFields.join(", ")} are missing, at least one parameter must be provided`);
  }
  if ("active" in parameters && "paused" in parameters) {
    throw invalidParameters("active, paused are mutually exclusive");
  }
  const change = parseParameters(updateSchema, parameters);
  const runner = manageable(store, c);
  // A required attribute keeps its value if it is set to null.
  const changed = {
    description: change.description === undefined ? runner.description : change.description,
    maintenanceNote: change.maintenance_note === undefined ? runner.maintenanceNote : change.maintenance_note,
    maximumTimeout: change.maximum_timeout === undefined ? runner.maximumTimeout : change.maximum_timeout,
    tags: change.tag_list === undefined ? runner.tags : (change.tag_list ?? []),
    runUntagged: change.run_untagged ?? runner.runUntagged,
    locked: change.locked ?? runner.locked,
    accessLevel: change.access_level ?? runner.accessLevel,
    paused: change.paused ?? (typeof change.active === "boolean" ? !change.active : runner.paused),
  };
  const problems = validateRunner(changed);
  if (Object.keys(problems).length > 0) {
    throw validationFailed(problems);
  }
  Object.assign(runner, changed);
  store.touch(runner);
  return c.json(presentRunnerDetails(store, runner, c.get("caller").user));
}

function deleteRunner(store: GitLabStore, c: AppContext): Response {
  const runner = runnerOf(store, c);
  const { user } = c.get("caller");
  if (!user.admin && runner.projectIds.length > 1) {
    throw forbidden("Runner associated with more than one project");
  }
  if (!mayManage(store, user, runner)) {
    throw forbidden("No access granted");
  }
  checkUnmodified(c, runner.updatedAt);
  store.runners.delete(runner.id);
  return c.body(null, 204);
}

function listJobs(store: GitLabStore, c: AppContext): Response {
  const runner = runnerOf(store, c);
  const { user } = c.get("caller");
  if (!mayManage(store, user, runner)) {
    throw forbidden("No access granted");
  }
  const filter = parseParameters(jobsSchema, c.get("parameters"));
  const direction = filter.sort === "asc" ? 1 : -1;
  const jobs = [...store.jobs.values()]
    .filter((job) => job.runnerId === runner.id)
    .filter((job) => typeof filter.system_id !== "string" || job.systemId === filter.system_id)
    .filter((job) => typeof filter.status !== "string" || job.status === filter.status)
    .filter((job) => {
      const project = store.projects.get(job.projectId);
      return project !== undefined && maintains(store, user, project);
    })
    .toSorted((a, b) => direction * (a.id - b.id));
  return c.json(paginate(c, store.url, jobs).map((job) => presentJob(store, job)));
}

/** The API of runners for users: `POST /user/runners`, and everything below `/runners` that takes an access token. */
export function runnersApi(store: GitLabStore): Hono<AppEnv> {
  const api = new Hono<AppEnv>();
  const user = authenticated(store);
  const manager = authenticated(store, ["manage_runner"]);
  api.post("/user/runners", authenticated(store, ["create_runner"]), (c) => createUserRunner(store, c));
  api.get("/runners", user, (c) => {
    const mine = [...store.runners.values()].filter(
      (runner) => runner.type !== "instance_type" && mayManage(store, c.get("caller").user, runner),
    );
    return listRunners(store, c, "statuses", mine);
  });
  api.get("/runners/all", user, (c) => {
    if (!c.get("caller").user.admin) {
      throw forbidden();
    }
    return listRunners(store, c, "all", [...store.runners.values()]);
  });
  api.get("/runners/:id", manager, (c) => {
    const runner = readable(store, c);
    const { include_projects: projects } = parseParameters(showSchema, c.get("parameters"));
    return c.json(presentRunnerDetails(store, runner, c.get("caller").user, projects ?? true));
  });
  api.put("/runners/:id", manager, (c) => updateRunner(store, c));
  api.delete("/runners/:id", manager, (c) => deleteRunner(store, c));
  api.get("/runners/:id/managers", manager, (c) => {
    const runner = readable(store, c);
    return c.json(runner.managers.map((one) => presentManager(store, runner, one)));
  });
  api.get("/runners/:id/projects", manager, (c) => {
    const projects = readable(store, c).projectIds.flatMap((id) => store.projects.get(id) ?? []);
    const seen = projects.filter((project) => maintains(store, c.get("caller").user, project));
    return c.json(paginate(c, store.url, seen).map((project) => presentProject(store, project)));
  });
  api.get("/runners/:id/jobs", manager, (c) => listJobs(store, c));
  api.post("/runners/:id/reset_authentication_token", manager, (c) => {
    const runner = manageable(store, c);
    store.resetToken(runner);
    return c.json(presentToken(runner), 201);
  });
  return api;
}
