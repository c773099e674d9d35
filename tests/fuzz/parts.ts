import type { Fuzzed } from "./fuzzed.ts";

/** A part that is tried, and how. */
interface Part {
  /** What it is given. */
  readonly given: "configurations" | "requests";
  /** Its share of them. */
  readonly share: number;
  readonly start: () => Promise<Fuzzed<unknown>>;
}

async function started<Case>(fuzzed: Fuzzed<Case> | Promise<Fuzzed<Case>>): Promise<Fuzzed<unknown>> {
  return (await fuzzed) as Fuzzed<unknown>;
}

/** All parts, by name. */
export const parts = {
  "a stack's file": {
    given: "configurations",
    share: 0.5,
    start: async () => started((await import("./configurations.ts")).stackFiles),
  },
  "a program's arguments": {
    given: "configurations",
    share: 0.5,
    start: async () => started((await import("./configurations.ts")).componentArgs),
  },
  "GitLab's emulator": {
    given: "requests",
    share: 0.5,
    start: async () => started((await import("./http-servers.ts")).emulator()),
  },
  "the status page": {
    given: "requests",
    share: 0.1,
    start: async () => started((await import("./http-servers.ts")).page()),
  },
  "the chart repository": {
    given: "requests",
    share: 0.05,
    start: async () => started((await import("./http-servers.ts")).charts()),
  },
  "the stand-in for random's provider": {
    given: "requests",
    share: 0.1,
    start: async () => started((await import("./plugins.ts")).randomPlugin()),
  },
  "the stand-in for GitLab's provider": {
    given: "requests",
    share: 0.1,
    start: async () => started((await import("./plugins.ts")).gitlabPlugin()),
  },
  "the stand-in for MinIO's provider": {
    given: "requests",
    share: 0.1,
    start: async () => started((await import("./plugins.ts")).minioPlugin()),
  },
  "the stand-in for the language host": {
    given: "requests",
    share: 0.05,
    start: async () => started((await import("./plugins.ts")).languagePlugin()),
  },
} as const satisfies Record<string, Part>;

/** Name of one of {@link parts}. */
export type PartName = keyof typeof parts;

/** All names. */
export const partNames = Object.keys(parts) as PartName[];
