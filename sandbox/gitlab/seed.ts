import { z } from "zod";

/** A hundred years at most: a date can be too far away to be one. */
export const seconds = z.int().max(100 * 365 * 24 * 3600);

const membersSchema = z.array(z.string()).optional();

/** An access token and its user. */
export const accessTokenSchema = z.strictObject({
  token: z.string().min(8),
  username: z.string().min(1),
  scopes: z.array(z.string().min(1)),
  admin: z.boolean().default(false),
  /** Expiry; an ISO 8601 time. */
  expiresAt: z.iso.datetime().optional(),
  revoked: z.boolean().default(false),
});

/** Initial content of an emulator: access tokens, projects and groups. */
export const seedSchema = z.strictObject({
  /** Guards the control surface; sent as `X-Emulator-Token`. */
  controlToken: z.string().min(8),
  accessTokens: z.array(accessTokenSchema).default([]),
  /** Groups above a project are created if they are not listed. */
  groups: z
    .array(z.strictObject({ id: z.int().positive(), path: z.string().min(1), maintainers: membersSchema }))
    .default([]),
  projects: z
    .array(z.strictObject({ id: z.int().positive(), path: z.string().regex(/.\/./), maintainers: membersSchema }))
    .default([]),
  /** The deprecated way to register; without any, `POST /runners` answers 410 as on an instance where it is disabled. */
  registrationTokens: z
    .array(
      z.strictObject({
        token: z.string().min(8),
        groupId: z.int().positive().optional(),
        projectId: z.int().positive().optional(),
      }),
    )
    .default([]),
  /** How long runner tokens live, in seconds; null: for ever. */
  runnerTokenExpirationInterval: seconds.positive().nullable().default(null),
});

/** A seed as written in a file or by a test; fields with a default are optional. */
export type EmulatorSeed = z.input<typeof seedSchema>;
/** See {@link accessTokenSchema}. */
export type NewAccessToken = z.input<typeof accessTokenSchema>;
