import { randomBytes, randomUUID } from "node:crypto";
import type { z } from "zod";
import type { AccessToken, Group, Job, Project, Runner, RunnerInfo, RunnerManager, RunnerType } from "./model.ts";
import type { accessTokenSchema, seedSchema } from "./seed.ts";

const typeNumbers = { instance_type: 1, group_type: 2, project_type: 3 } as const;

/** The attributes of a runner that its creator sets. */
export type NewRunner = Pick<
  Runner,
  "type" | "description" | "maintenanceNote" | "paused" | "locked" | "accessLevel" | "runUntagged" | "tags"
> &
  Pick<Runner, "maximumTimeout" | "groupId" | "ownerProjectId" | "creator" | "registered" | "info"> & {
    readonly tokenExpiresAt?: number;
    readonly tokenRotationDeadline?: number;
  };

/** The emulator's data, in memory only. */
export class GitLabStore {
  readonly now: () => number;
  readonly controlToken: string;
  readonly accessTokens: AccessToken[] = [];
  readonly registrationTokens: z.output<typeof seedSchema>["registrationTokens"];
  readonly groups = new Map<number, Group>();
  readonly projects = new Map<number, Project>();
  readonly runners = new Map<number, Runner>();
  readonly jobs = new Map<number, Job>();
  /** How long new runner tokens live, in seconds; null: for ever. */
  runnerTokenExpirationInterval: number | null;
  /** Its URL for clients, without a trailing slash; known once it listens. */
  url = "";
  /** Changes whenever a waiting runner might find a job that it didn't before. */
  queueVersion = randomUUID();
  // Far from the ids that seeds and tests use.
  #lastImpliedGroupId = 1_000_000;
  #lastRunnerId = 0;
  #lastManagerId = 0;
  #lastJobId = 0;

  constructor(seed: z.output<typeof seedSchema>, now: () => number) {
    this.now = now;
    this.controlToken = seed.controlToken;
    this.registrationTokens = seed.registrationTokens;
    this.runnerTokenExpirationInterval = seed.runnerTokenExpirationInterval;
    for (const token of seed.accessTokens) {
      this.addAccessToken(token);
    }
    for (const group of seed.groups) {
      this.addGroup(group);
    }
    for (const project of seed.projects) {
      this.addProject(project);
    }
  }

  /** Adds an access token; the first one of a user decides whether the user is an administrator. */
  addAccessToken({ username, admin, expiresAt, ...token }: z.output<typeof accessTokenSchema>): AccessToken {
    const users = new Map(this.accessTokens.map(({ user }) => [user.username, user]));
    const user = users.get(username) ?? { id: users.size + 1, username, admin };
    const expiry = expiresAt === undefined ? {} : { expiresAt: Date.parse(expiresAt) };
    const added = { id: this.accessTokens.length + 1, ...token, ...expiry, user, createdAt: this.now() };
    this.accessTokens.push(added);
    return added;
  }

  /** Adds a group and the missing groups above it. Throws if its id or path is taken. */
  addGroup(group: Pick<Group, "id" | "path" | "maintainers">): Group {
    if (this.groups.has(group.id) || this.findGroup(group.path)) {
      throw new Error(`group ${group.path} exists`);
    }
    this.#addParents(group.path);
    const added = { ...group, createdAt: this.now() };
    this.groups.set(group.id, added);
    return added;
  }

  /** Adds a project and the missing groups above it. Throws if its id or path is taken. */
  addProject(project: Pick<Project, "id" | "path" | "maintainers">): Project {
    if (this.projects.has(project.id) || this.findProject(project.path)) {
      throw new Error(`project ${project.path} exists`);
    }
    this.#addParents(project.path);
    const added = { ...project, createdAt: this.now() };
    this.projects.set(project.id, added);
    return added;
  }

  #addParents(path: string): void {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (parent !== "" && !this.findGroup(parent)) {
      this.addGroup({ id: ++this.#lastImpliedGroupId, path: parent });
    }
  }

  /** The group with this id or full path. */
  findGroup(idOrPath: string): Group | undefined {
    return find(this.groups, idOrPath);
  }

  /** The project with this id or full path. */
  findProject(idOrPath: string): Project | undefined {
    return find(this.projects, idOrPath);
  }

  /** The runner with this token, unless the token has expired. */
  runnerByToken(token: string): Runner | undefined {
    const runner = [...this.runners.values()].find((candidate) => candidate.token === token);
    if (runner?.tokenExpiresAt !== undefined && runner.tokenExpiresAt <= this.now()) {
      return undefined;
    }
    return runner;
  }

  /** Creates a runner with a new token. */
  createRunner(wanted: NewRunner): Runner {
    const now = this.now();
    const runner: Runner = {
      ...wanted,
      id: ++this.#lastRunnerId,
      token: newRunnerToken(wanted.type, wanted.registered),
      tokenExpiresAt: wanted.tokenExpiresAt ?? this.#tokenExpiry(),
      tokenRotationDeadline: wanted.tokenRotationDeadline,
      projectIds: wanted.ownerProjectId === undefined ? [] : [wanted.ownerProjectId],
      createdAt: now,
      updatedAt: now,
      managers: [],
    };
    this.runners.set(runner.id, runner);
    return runner;
  }

  /** Gives a runner a new token; the old one becomes invalid. */
  resetToken(runner: Runner): void {
    runner.token = newRunnerToken(runner.type, runner.registered);
    runner.tokenExpiresAt = this.#tokenExpiry();
    runner.tokenRotationDeadline = undefined;
    this.touch(runner);
  }

  #tokenExpiry(): number | undefined {
    return this.runnerTokenExpirationInterval === null
      ? undefined
      : this.now() + this.runnerTokenExpirationInterval * 1000;
  }

  /** Records that a runner was changed. */
  touch(runner: Runner): void {
    runner.updatedAt = this.now();
    this.queueChanged();
  }

  /** Records contact from a runner and one of its processes. */
  contact(runner: Runner, info: RunnerInfo, systemId?: string): RunnerManager | undefined {
    const now = this.now();
    runner.contactedAt = now;
    Object.assign(runner.info, info);
    if (systemId === undefined) {
      return undefined;
    }
    let manager = runner.managers.find((candidate) => candidate.systemId === systemId);
    if (!manager) {
      manager = { id: ++this.#lastManagerId, systemId, createdAt: now, contactedAt: now, cancelsGracefully: false };
      runner.managers.push(manager);
    }
    manager.contactedAt = now;
    return Object.assign(manager, info);
  }

  /** Queues a job. */
  addJob(job: Omit<Job, "id" | "token" | "status" | "trace" | "createdAt">): Job {
    const added: Job = {
      ...job,
      id: ++this.#lastJobId,
      token: `glcbt-${randomBytes(18).toString("base64url")}`,
      status: "pending",
      trace: Buffer.alloc(0),
      createdAt: this.now(),
    };
    this.jobs.set(added.id, added);
    this.queueChanged();
    return added;
  }

  /** Tells waiting runners to look again. */
  queueChanged(): void {
    this.queueVersion = randomUUID();
  }
}

function find<T extends Group | Project>(records: ReadonlyMap<number, T>, idOrPath: string): T | undefined {
  if (/^\d+$/.test(idOrPath)) {
    return records.get(Number(idOrPath));
  }
  // GitLab's paths are case-insensitive.
  const path = idOrPath.toLowerCase();
  return [...records.values()].find((record) => record.path.toLowerCase() === path);
}

/** `glrt-` (`glrtr-` for a registered runner), the number of the type, and 20 random URL-safe characters. */
function newRunnerToken(type: RunnerType, registered: boolean): string {
  return `${registered ? "glrtr" : "glrt"}-t${typeNumbers[type]}_${randomBytes(15).toString("base64url")}`;
}
