import { readFileSync } from "node:fs";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import { UserError } from "../tools/user-error.ts";
import type { JobRequest } from "./gitlab/control-schemas.ts";

const lines = z.union([z.string().transform((line) => [line]), z.array(z.string())]);
const cache = z.strictObject({
  key: z.string().default("default"),
  paths: z.array(z.string()),
  policy: z.enum(["pull", "push", "pull-push"]).optional(),
  unprotect: z.boolean().optional(),
});

/** A job of `.gitlab-ci.yml`, with the keywords that need no repository. */
const ciJob = z.strictObject({
  stage: z.string().optional(),
  image: z.union([z.string(), z.object({ name: z.string() }).transform(({ name }) => name)]).optional(),
  tags: z.array(z.string()).optional(),
  variables: z.record(z.string(), z.coerce.string()).optional(),
  cache: z.union([cache.transform((entry) => [entry]), z.array(cache)]).optional(),
  before_script: lines.optional(),
  script: lines,
});

/**
 * Reads a `.gitlab-ci.yml` with one job.
 * @throws UserError with the problems of the file
 */
export function readCiJob(file: string, projectId: number): JobRequest {
  const wrong = (what: string) =>
    new UserError(
      `${file}: ${what}\nIt must be a .gitlab-ci.yml with exactly one job, such as sandbox/cache-job.gitlab-ci.yml. ` +
        `Keywords: ${Object.keys(ciJob.shape).join(", ")}.`,
    );
  let content: unknown;
  try {
    content = parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw wrong(error instanceof YAMLParseError ? `is not YAML: ${error.message}` : String(error));
  }
  const jobs = Object.entries(content ?? {}) as [string, unknown][];
  const [job] = jobs;
  if (job === undefined || jobs.length > 1) {
    throw wrong(`has ${jobs.length} jobs`);
  }
  const [name, definition] = job;
  const parsed = ciJob.safeParse(definition);
  if (!parsed.success) {
    throw wrong(`job ${name}: ${z.prettifyError(parsed.error)}`);
  }
  const { before_script: before = [], script, ...rest } = parsed.data;
  // Like a project's default branch, which is protected by default.
  return { ...rest, projectId, name, script: [...before, ...script], protected: true };
}
