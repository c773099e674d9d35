import type { Group, Job, Project, Runner, RunnerManager, User } from "./model.ts";
import { maintains } from "./permissions.ts";
import type { GitLabStore } from "./store.ts";

const hours = 3_600_000;

/** A time in GitLab's format, in UTC; null if there is none. */
export function time(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString();
}

interface Contacted {
  readonly createdAt: number;
  readonly contactedAt?: number;
}

/** Online: contact within two hours; stale: no contact for seven days. */
export function connection(store: GitLabStore, one: Contacted): "online" | "offline" | "stale" | "never_contacted" {
  const since = store.now() - (one.contactedAt ?? one.createdAt);
  if (since >= 7 * 24 * hours) {
    return "stale";
  }
  if (one.contactedAt === undefined) {
    return "never_contacted";
  }
  return since < 2 * hours ? "online" : "offline";
}

/** The status of a runner. */
export function runnerStatus(store: GitLabStore, runner: Runner): string {
  const word = connection(store, runner);
  return runner.paused && (word === "online" || word === "offline") ? "paused" : word;
}

function isBusy(store: GitLabStore, mine: (job: Job) => boolean): boolean {
  return [...store.jobs.values()].some((job) => (job.status === "running" || job.status === "canceling") && mine(job));
}

/** A user as others see it. */
export function presentUser(store: GitLabStore, user: User) {
  return {
    id: user.id,
    username: user.username,
    public_email: "",
    name: user.username,
    state: "active",
    locked: false,
    avatar_url: null,
    web_url: `${store.url}/${user.username}`,
  };
}

/** APIEntitiesCiRunner. */
export function presentRunner(store: GitLabStore, runner: Runner) {
  return {
    id: runner.id,
    description: runner.description,
    ip_address: runner.info.ipAddress ?? null,
    active: !runner.paused,
    paused: runner.paused,
    is_shared: runner.type === "instance_type",
    runner_type: runner.type,
    name: runner.info.name ?? null,
    online: connection(store, runner) === "online",
    created_by: runner.creator ? presentUser(store, runner.creator) : null,
    created_at: time(runner.createdAt),
    status: runnerStatus(store, runner),
    job_execution_status: isBusy(store, (job) => job.runnerId === runner.id) ? "active" : "idle",
  };
}

/** APIEntitiesCiRunnerDetails; lists only projects that the user can see, by id; the owner may not be the first. */
export function presentRunnerDetails(store: GitLabStore, runner: Runner, user: User, includeProjects = true) {
  const projects = runner.projectIds
    .toSorted((a, b) => a - b)
    .flatMap((id) => store.projects.get(id) ?? [])
    .filter((project) => maintains(store, user, project));
  const group = runner.groupId === undefined ? undefined : store.groups.get(runner.groupId);
  return {
    ...presentRunner(store, runner),
    tag_list: runner.tags,
    run_untagged: runner.runUntagged,
    locked: runner.locked,
    maximum_timeout: runner.maximumTimeout,
    access_level: runner.accessLevel,
    version: runner.info.version ?? null,
    revision: runner.info.revision ?? null,
    platform: runner.info.platform ?? null,
    architecture: runner.info.architecture ?? null,
    contacted_at: time(runner.contactedAt),
    maintenance_note: runner.maintenanceNote,
    ...(includeProjects ? { projects: projects.map((project) => presentProject(store, project)) } : {}),
    groups: group ? [{ id: group.id, web_url: `${store.url}/groups/${group.path}`, name: lastPart(group.path) }] : [],
  };
}

/** APIEntitiesCiRunnerManager. */
export function presentManager(store: GitLabStore, runner: Runner, manager: RunnerManager) {
  const mine = (job: Job) => job.runnerId === runner.id && job.systemId === manager.systemId;
  return {
    id: manager.id,
    system_id: manager.systemId,
    version: manager.version ?? null,
    revision: manager.revision ?? null,
    platform: manager.platform ?? null,
    architecture: manager.architecture ?? null,
    created_at: time(manager.createdAt),
    contacted_at: time(manager.contactedAt),
    ip_address: manager.ipAddress ?? null,
    status: connection(store, manager),
    job_execution_status: isBusy(store, mine) ? "active" : "idle",
  };
}

/** APIEntitiesCiRunnerRegistrationDetails: the only response with the token. */
export function presentRegistration(runner: Runner) {
  return { id: runner.id, ...presentToken(runner) };
}

/** APIEntitiesCiResetTokenResult. */
export function presentToken(runner: Runner) {
  return { token: runner.token, token_expires_at: time(runner.tokenExpiresAt) };
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function identity(project: Project) {
  return {
    id: project.id,
    description: null,
    name: lastPart(project.path),
    name_with_namespace: project.path.split("/").join(" / "),
    path: lastPart(project.path),
    path_with_namespace: project.path,
    created_at: time(project.createdAt),
  };
}

function namespaceOf(store: GitLabStore, project: Project) {
  const group = store.findGroup(project.path.slice(0, project.path.lastIndexOf("/")));
  if (!group) {
    return null;
  }
  return {
    id: group.id,
    name: lastPart(group.path),
    path: lastPart(group.path),
    kind: "group",
    full_path: group.path,
    parent_id: parentId(store, group),
    avatar_url: null,
    web_url: `${store.url}/groups/${group.path}`,
  };
}

function parentId(store: GitLabStore, group: Group): number | null {
  const slash = group.path.lastIndexOf("/");
  return slash < 0 ? null : (store.findGroup(group.path.slice(0, slash))?.id ?? null);
}

/** APIEntitiesBasicProjectDetails. */
export function presentProject(store: GitLabStore, project: Project) {
  const page = `${store.url}/${project.path}`;
  return {
    ...identity(project),
    default_branch: "main",
    tag_list: [],
    topics: [],
    ssh_url_to_repo: `git@${new URL(store.url).hostname}:${project.path}.git`,
    http_url_to_repo: `${page}.git`,
    web_url: page,
    readme_url: null,
    forks_count: 0,
    avatar_url: null,
    star_count: 0,
    last_activity_at: time(project.createdAt),
    visibility: "private",
    namespace: namespaceOf(store, project),
  };
}

/** A group as `GET /groups/:id` shows it, in short. */
export function presentGroup(store: GitLabStore, group: Group) {
  return {
    id: group.id,
    web_url: `${store.url}/groups/${group.path}`,
    name: lastPart(group.path),
    path: lastPart(group.path),
    description: "",
    visibility: "private",
    avatar_url: null,
    full_name: group.path.split("/").join(" / "),
    full_path: group.path,
    created_at: time(group.createdAt),
    parent_id: parentId(store, group),
  };
}

/** APIEntitiesCiJobBasicWithProject; null if its project no longer exists. */
export function presentJob(store: GitLabStore, job: Job) {
  const project = store.projects.get(job.projectId);
  if (!project) {
    return null;
  }
  const page = `${store.url}/${project.path}/-`;
  const end = job.finishedAt ?? store.now();
  return {
    id: job.id,
    status: job.status,
    stage: job.stage,
    name: job.name,
    ref: job.ref,
    tag: false,
    coverage: null,
    allow_failure: false,
    created_at: time(job.createdAt),
    started_at: time(job.startedAt),
    finished_at: time(job.finishedAt),
    erased_at: null,
    duration: job.startedAt === undefined ? null : (end - job.startedAt) / 1000,
    queued_duration: ((job.startedAt ?? end) - job.createdAt) / 1000,
    user: null,
    commit: null,
    pipeline: {
      id: job.id,
      iid: job.id,
      project_id: project.id,
      sha: "0".repeat(40),
      ref: job.ref,
      status: job.status,
      source: "api",
      created_at: time(job.createdAt),
      updated_at: time(job.finishedAt ?? job.startedAt ?? job.createdAt),
      web_url: `${page}/pipelines/${job.id}`,
    },
    ...(job.failureReason === undefined ? {} : { failure_reason: job.failureReason }),
    web_url: `${page}/jobs/${job.id}`,
    project: identity(project),
  };
}
