import { Hono } from "hono";
import { z } from "zod";
import { authenticated } from "./auth.ts";
import { checkUnmodified } from "./conditions.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { ApiError, forbidden, notFound } from "./errors.ts";
import type { Group, Project } from "./model.ts";
import { paginate } from "./pagination.ts";
import { integer, parseParameters } from "./parameters.ts";
import { isWithin, maintains, mayManage } from "./permissions.ts";
import { presentGroup, presentProject, presentRunner, presentUser, time } from "./present.ts";
import { listRunners } from "./runner-lists.ts";
import type { GitLabStore } from "./store.ts";

/** The GitLab version that the emulator implements: that of the OpenAPI extract in tests/fixtures. */
export const gitlabVersion = "19.5.0";

const runnerIdSchema = z.object({ runner_id: integer });

function projectOf(store: GitLabStore, c: AppContext): Project {
  const project = store.findProject(c.req.param("id") ?? "");
  if (!project) {
    throw notFound("Project");
  }
  return project;
}

function groupOf(store: GitLabStore, c: AppContext): Group {
  const group = store.findGroup(c.req.param("id") ?? "");
  if (!group) {
    throw notFound("Group");
  }
  return group;
}

function manageable<T extends Project | Group>(store: GitLabStore, c: AppContext, place: T): T {
  if (!maintains(store, c.get("caller").user, place)) {
    throw forbidden();
  }
  return place;
}

function refused(message: string, reason: string): ApiError {
  return new ApiError(400, { message: `${message} - ${reason}` });
}

/** `GET /projects/:id/jobs/:job_id/trace`; source: https://docs.gitlab.com/api/jobs/#retrieve-a-job-log */
function showTrace(store: GitLabStore, c: AppContext): Response {
  const project = manageable(store, c, projectOf(store, c));
  const job = store.jobs.get(Number(c.req.param("job_id")));
  if (job?.projectId !== project.id) {
    throw new ApiError(404, { message: "404 Not found" });
  }
  return c.text(job.trace.toString());
}

/** `POST /projects/:id/runners`; the checks are in GitLab's order (x-rules). */
function assignRunner(store: GitLabStore, c: AppContext): Response {
  const { user } = c.get("caller");
  const { runner_id: runnerId } = parseParameters(runnerIdSchema, c.get("parameters"));
  const project = manageable(store, c, projectOf(store, c));
  const runner = store.runners.get(runnerId);
  if (!runner) {
    throw notFound("Runner");
  }
  if (runner.type === "group_type") {
    throw forbidden("Runner is a group runner");
  }
  if (!user.admin) {
    if (runner.locked) {
      throw forbidden("Runner is locked");
    }
    if (runner.type === "instance_type" || !mayManage(store, user, runner)) {
      throw forbidden("No access granted");
    }
  }
  if (runner.type === "instance_type") {
    throw refused("user is not authorized to assign runner", "not_authorized_to_assign_runner");
  }
  if (runner.projectIds.includes(project.id)) {
    throw refused("Runner projects is invalid", "runner_error");
  }
  runner.projectIds.push(project.id);
  store.touch(runner);
  return c.json(presentRunner(store, runner), 201);
}

function unassignRunner(store: GitLabStore, c: AppContext): Response {
  const { user } = c.get("caller");
  const { runner_id: runnerId } = parseParameters(runnerIdSchema, { runner_id: c.req.param("runner_id") });
  const project = manageable(store, c, projectOf(store, c));
  const runner = store.runners.get(runnerId);
  if (!runner?.projectIds.includes(project.id)) {
    throw notFound("Runner");
  }
  if (!user.admin && runner.locked) {
    throw forbidden("Runner is locked");
  }
  if (!mayManage(store, user, runner)) {
    throw forbidden("No access granted");
  }
  checkUnmodified(c, runner.updatedAt);
  if (runner.ownerProjectId === project.id) {
    throw forbidden("You cannot unassign a runner from the owner project. Delete the runner instead");
  }
  runner.projectIds = runner.projectIds.filter((id) => id !== project.id);
  store.touch(runner);
  return c.body(null, 204);
}

function projectRunners(store: GitLabStore, c: AppContext): Response {
  const project = manageable(store, c, projectOf(store, c));
  const runners = [...store.runners.values()].filter((runner) => {
    const group = runner.groupId === undefined ? undefined : store.groups.get(runner.groupId);
    const ofGroup = group !== undefined && isWithin(project.path, group);
    return runner.type === "instance_type" || ofGroup || runner.projectIds.includes(project.id);
  });
  return listRunners(store, c, "all", runners);
}

function groupRunners(store: GitLabStore, c: AppContext): Response {
  const place = manageable(store, c, groupOf(store, c));
  const runners = [...store.runners.values()].filter((runner) => {
    const group = runner.groupId === undefined ? undefined : store.groups.get(runner.groupId);
    return runner.type === "instance_type" || (group !== undefined && isWithin(place.path, group));
  });
  return listRunners(store, c, "none", runners);
}

/** The API of projects, groups, the current user and the instance. */
export function projectsApi(store: GitLabStore): Hono<AppEnv> {
  const api = new Hono<AppEnv>();
  const user = authenticated(store);
  const self = authenticated(store, ["read_user"]);
  const metadata = {
    version: gitlabVersion,
    revision: "emulator",
    kas: { enabled: false, externalUrl: null, externalK8sProxyUrl: null, version: null },
    enterprise: false,
  };
  api.get("/projects/:id/runners", user, (c) => projectRunners(store, c));
  api.post("/projects/:id/runners", user, (c) => assignRunner(store, c));
  api.delete("/projects/:id/runners/:runner_id", user, (c) => unassignRunner(store, c));
  api.get("/projects/:id/jobs/:job_id/trace", user, (c) => showTrace(store, c));
  api.get("/projects/:id", user, (c) => c.json(presentProject(store, projectOf(store, c))));
  api.get("/projects", user, (c) =>
    c.json(paginate(c, store.url, [...store.projects.values()]).map((project) => presentProject(store, project))),
  );
  api.get("/groups/:id/runners", user, (c) => groupRunners(store, c));
  api.get("/groups/:id", user, (c) => c.json(presentGroup(store, groupOf(store, c))));
  api.get("/groups", user, (c) =>
    c.json(paginate(c, store.url, [...store.groups.values()]).map((group) => presentGroup(store, group))),
  );
  api.get("/version", self, (c) => c.json({ version: metadata.version, revision: metadata.revision }));
  api.get("/metadata", self, (c) => c.json(metadata));
  api.get("/user", self, (c) => {
    const caller = c.get("caller").user;
    const profile = { ...presentUser(store, caller), bot: false, email: `${caller.username}@example.com` };
    return c.json(caller.admin ? { ...profile, is_admin: true } : profile);
  });
  api.get("/personal_access_tokens/self", authenticated(store, "any"), (c) => {
    const caller = c.get("caller");
    return c.json({
      id: caller.id,
      name: `${caller.user.username}'s token`,
      revoked: false,
      created_at: time(caller.createdAt),
      description: null,
      scopes: caller.scopes,
      user_id: caller.user.id,
      last_used_at: time(store.now()),
      active: true,
      expires_at: time(caller.expiresAt)?.slice(0, 10) ?? null,
    });
  });
  return api;
}
