import { z } from "zod";
import type { AppContext } from "./context.ts";
import { ApiError } from "./errors.ts";
import type { Runner } from "./model.ts";
import { paginate } from "./pagination.ts";
import { optionalBoolean, optionalTags, optionalText, optionalWord, parseParameters } from "./parameters.ts";
import { connection, presentRunner, runnerStatus } from "./present.ts";
import type { GitLabStore } from "./store.ts";

const types = ["instance_type", "group_type", "project_type"] as const;
const statuses = ["active", "paused", "online", "offline", "never_contacted", "stale"] as const;
const scopes = ["specific", "shared", ...types, ...statuses] as const;

const filterSchema = z.object({
  scope: optionalWord(scopes),
  type: optionalWord(types),
  paused: optionalBoolean,
  status: optionalWord(statuses),
  tag_list: optionalTags,
  version_prefix: optionalText,
});

/** Values that a list accepts as `scope`: all, only statuses, or none because it has no such filter. */
export type ScopeWords = "all" | "statuses" | "none";

function fits(store: GitLabStore, runner: Runner, word: (typeof scopes)[number]): boolean {
  switch (word) {
    case "specific":
      return runner.type === "project_type";
    case "shared":
      return runner.type === "instance_type";
    case "active":
      return !runner.paused;
    case "paused":
      return runner.paused;
    case "instance_type":
    case "group_type":
    case "project_type":
      return runner.type === word;
    case "online":
    case "offline":
    case "never_contacted":
    case "stale":
      return connection(store, runner) === word || runnerStatus(store, runner) === word;
  }
}

/** Answers with one page of the runners that match the call's filters, the newest first. */
export function listRunners(
  store: GitLabStore,
  c: AppContext,
  scopeWords: ScopeWords,
  all: readonly Runner[],
): Response {
  const filter = parseParameters(filterSchema, c.get("parameters"));
  const scope = scopeWords === "none" ? undefined : (filter.scope ?? undefined);
  if (scope !== undefined && scopeWords === "statuses" && !(statuses as readonly string[]).includes(scope)) {
    throw new ApiError(400, { message: "Scope contains invalid value" });
  }
  const words = [scope, filter.type, filter.status].filter((word) => word !== undefined && word !== null);
  const runners = all
    .filter((runner) => words.every((word) => fits(store, runner, word)))
    .filter((runner) => typeof filter.paused !== "boolean" || runner.paused === filter.paused)
    .filter((runner) => (filter.tag_list ?? []).every((tag) => runner.tags.includes(tag)))
    .filter((runner) => (runner.info.version ?? "").startsWith(filter.version_prefix ?? ""))
    .toSorted((a, b) => b.id - a.id);
  return c.json(paginate(c, store.url, runners).map((runner) => presentRunner(store, runner)));
}
