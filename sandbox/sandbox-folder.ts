import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { UserError } from "../tools/user-error.ts";

/** A server that the sandbox has started. */
const serverRecord = z.object({
  name: z.string(),
  pid: z.int(),
  /** Start time in the system's clock ticks; distinguishes it from a later process with the same pid. */
  startTime: z.string(),
  log: z.string(),
});

const sandboxState = z.object({
  /** All servers that were ever started in this folder; recorded before they are ready. */
  servers: z.array(serverRecord),
  /** Ports on 127.0.0.1, by server. */
  ports: z.record(z.string(), z.int()),
  /** Passwords and tokens, generated for each sandbox. */
  secrets: z.record(z.string(), z.string()),
  /** Stack file that is deployed. */
  stack: z.string(),
  /** MinIO uses HTTPS, with the certificate that the API server generated for 127.0.0.1. */
  minioTls: z.boolean().default(false),
  /** Commands in simulated pods find the real runner's helper, for caches and artifacts. */
  runnerHelper: z.boolean().default(false),
  /** All servers are up and the stack is configured. */
  complete: z.boolean(),
  /** The plugins that `pulumi up` uses: the path of the machine's own, `built`, or `stand-in`. */
  plugins: z.record(z.string(), z.string()),
  /** Folders outside the sandbox's folder that are deleted with it. */
  extraFolders: z.array(z.string()),
});

/** State of the sandbox between commands. */
export type SandboxState = z.output<typeof sandboxState>;
/** A server that the sandbox has started. */
export type ServerRecord = z.output<typeof serverRecord>;

/** The folder of one sandbox, with all its state. */
export class SandboxFolder {
  readonly path: string;

  /** @throws UserError if the folder contains something else */
  constructor(path: string) {
    this.path = resolve(path);
    if (existsSync(this.path) && !existsSync(this.file("state.json")) && readdirSync(this.path).length > 0) {
      throw new UserError(
        `${this.path} exists and is not a sandbox's folder.\nChoose another one with --dir, or delete it if you do not need it.`,
      );
    }
  }

  /** @returns the path of a file or folder in it */
  file(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** @returns a folder in it, created if necessary */
  folder(...parts: string[]): string {
    const path = this.file(...parts);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** @returns the state, or undefined if there is no sandbox */
  read(): SandboxState | undefined {
    if (!existsSync(this.file("state.json"))) {
      return undefined;
    }
    const parsed = sandboxState.safeParse(JSON.parse(readFileSync(this.file("state.json"), "utf8")));
    if (!parsed.success) {
      throw new UserError(
        `${this.file("state.json")} cannot be read: another version of the sandbox may have written it.\n` +
          `Stop it with that version's 'npm run sandbox -- down', or delete ${this.path}.`,
      );
    }
    return parsed.data;
  }

  /** Writes the state atomically, so that an interrupted command leaves the old or the new one. */
  write(state: SandboxState): void {
    mkdirSync(this.path, { recursive: true });
    const file = this.file("state.json");
    writeFileSync(`${file}.new`, JSON.stringify(state, undefined, 2), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  /** Deletes the folder and everything in it. */
  delete(): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}
