import { z } from "zod";
import { seconds } from "./seed.ts";

/** A job to queue; fields with a default are optional. */
export const jobRequestSchema = z.strictObject({
  projectId: z.int().positive(),
  name: z.string().min(1).default("job"),
  stage: z.string().min(1).default("test"),
  /** Lines of shell. */
  script: z.array(z.string()).min(1),
  /** Without an image, the runner uses its default. */
  image: z.string().min(1).optional(),
  tags: z.array(z.string()).default([]),
  cache: z
    .array(
      z.strictObject({
        key: z.string().min(1),
        paths: z.array(z.string()),
        policy: z.enum(["pull", "push", "pull-push"]).default("pull-push"),
        /** The job uses the cache of unprotected branches: https://docs.gitlab.com/ci/yaml/#cacheunprotect */
        unprotect: z.boolean().default(false),
      }),
    )
    .default([]),
  /** CI/CD variables; `GIT_STRATEGY` is `none` unless given, since there are no repositories. */
  variables: z.record(z.string(), z.string()).default({}),
  /** In seconds. */
  timeout: z.int().positive().default(3600),
  ref: z.string().min(1).default("main"),
  /** Whether its ref is protected, so that `ref_protected` runners take it. */
  protected: z.boolean().default(false),
});

function isPattern(text: string): boolean {
  try {
    return new RegExp(text).source !== "";
  } catch {
    return false;
  }
}

/** A fault: which calls it affects, how many, and what it does. */
export const faultSchema = z.strictObject({
  /** HTTP method; absent: any. */
  method: z.string().optional(),
  /** Regular expression that the path, without query, must match. */
  path: z.string().min(1).refine(isPattern, "must be a regular expression"),
  /** Number of calls that it affects. */
  count: z.int().positive().default(1),
  /**
   * `status` answers with `status` instead of handling the call, `cut` closes the connection instead, `lost-answer` handles
   * the call and then closes the connection.
   */
  kind: z.enum(["status", "cut", "lost-answer"]),
  status: z.int().min(400).max(599).default(500),
  /** Sent as `Retry-After`. */
  retryAfterSeconds: z.int().nonnegative().optional(),
});

/** A project to add. */
export const placeSchema = z.strictObject({
  id: z.int().positive(),
  path: z.string().min(1),
  maintainers: z.array(z.string()).optional(),
});

/** Settings that can change while it runs. */
export const settingsSchema = z.strictObject({ runnerTokenExpirationInterval: seconds.positive().nullable() });

/** How long ago a runner, and each of its processes, last made contact. */
export const contactSchema = z.strictObject({ secondsAgo: seconds.nonnegative() });

/** See {@link jobRequestSchema}. */
export type JobRequest = z.input<typeof jobRequestSchema>;
/** See {@link faultSchema}. */
export type Fault = z.input<typeof faultSchema>;
/** See {@link placeSchema}. */
export type Place = z.infer<typeof placeSchema>;
/** See {@link settingsSchema}. */
export type EmulatorSettings = z.infer<typeof settingsSchema>;
