import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { execaSync } from "execa";
import pRetry, { AbortError } from "p-retry";
import stripAnsi from "strip-ansi";
import { UserError } from "../tools/user-error.ts";
import type { SandboxFolder, SandboxState, ServerRecord } from "./sandbox-folder.ts";

/** How to start a server and check that it is up. */
export interface ServerOptions {
  /** Name in messages, in `status`, and of the log file. */
  readonly name: string;
  /** Program. */
  readonly command: string;
  /** Its arguments; no secrets, since all users of the machine can see them. */
  readonly args: readonly string[];
  /** Variables in addition to those of {@link serverEnvironment}. */
  readonly env?: Readonly<Record<string, string>>;
  /** Resolves once the server is up, and rejects while it is not. */
  readonly ready: () => Promise<unknown>;
  /** Timeout in seconds. @defaultValue 60 */
  readonly limitSeconds?: number;
}

/** Environment variable of every server with the folder of its sandbox. */
const marker = "GITLAB_RUNNER_SANDBOX";

/** Kills servers of a sandbox that are not recorded because their command was killed first; on Linux only. */
export function killUnrecorded(folder: SandboxFolder): void {
  const pids = existsSync("/proc/self/environ") ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [];
  for (const pid of pids) {
    try {
      if (readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`${marker}=${folder.path}`)) {
        process.kill(Number(pid), "SIGKILL");
      }
    } catch {
      // It has ended, or belongs to another user.
    }
  }
}

let isInterrupted = false;

/** Stops {@link startServer} from starting servers in this process, which is about to end: unrecorded ones would keep running. */
export function startNoMore(): void {
  isInterrupted = true;
}

/** @returns whether {@link startNoMore} was called */
export function startsNoMore(): boolean {
  return isInterrupted;
}

/**
 * Starts a server that keeps running after this command has ended, and waits until it is up.
 * @throws UserError with the last lines of its log if it ends or is not up in time
 */
export async function startServer(folder: SandboxFolder, state: SandboxState, options: ServerOptions): Promise<void> {
  if (isInterrupted) {
    // The signal handler ends the process.
    await new Promise(() => undefined);
  }
  folder.folder("logs");
  const log = folder.file("logs", `${options.name}.log`);
  const output = openSync(log, "a", 0o600);
  const child = spawn(options.command, options.args, {
    detached: true,
    stdio: ["ignore", output, output],
    cwd: folder.path,
    env: { ...serverEnvironment(), ...options.env, [marker]: folder.path },
  });
  closeSync(output);
  let ended: string | undefined;
  child.once("error", (error) => (ended = error.message));
  child.once("exit", (code, signal) => (ended = `it ended with ${signal ?? `exit code ${code ?? "?"}`}`));
  child.unref();
  if (child.pid !== undefined) {
    state.servers.push({ name: options.name, pid: child.pid, startTime: startTimeOf(child.pid) ?? "", log });
    folder.write(state);
  }

  const limit = options.limitSeconds ?? 60;
  const deadline = Date.now() + limit * 1000;
  const attempt = async () => {
    if (ended !== undefined) {
      throw new AbortError(ended);
    }
    await options.ready();
  };
  try {
    await pRetry(attempt, {
      retries: Infinity,
      minTimeout: 50,
      factor: 1.2,
      maxTimeout: 500,
      maxRetryTime: deadline - Date.now(),
    });
  } catch (error) {
    throw new UserError(
      `${options.name} did not start: ${ended ?? `not up within ${limit} s (${reason(error)})`}.\n` +
        `Its log is ${log}; it ends with:\n${lastLines(log, 12)}`,
    );
  }
}

/** The part of this command's environment that servers get: no credentials that happen to be in it. */
export function serverEnvironment(): Record<string, string> {
  const names = ["PATH", "HOME", "TMPDIR", "LANG", "NODE_COMPILE_CACHE"];
  return Object.fromEntries(
    names.map((name) => [name, process.env[name]]).filter((entry) => entry[1] !== undefined),
  ) as Record<string, string>;
}

/** @returns whether the server's process is still running */
export function isRunning(server: ServerRecord): boolean {
  return startTimeOf(server.pid) === server.startTime;
}

/**
 * Stops servers, the last one first: each gets SIGTERM, and is killed if it has not ended within 10 seconds.
 * @returns the names of those that were running
 */
export async function stopServers(servers: readonly ServerRecord[]): Promise<string[]> {
  const stopped: string[] = [];
  for (const server of servers.toReversed()) {
    if (!isRunning(server)) {
      continue;
    }
    stopped.push(server.name);
    signal(server.pid, "SIGTERM");
    const deadline = Date.now() + 10_000;
    while (isRunning(server) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    signal(server.pid, "SIGKILL");
  }
  return stopped;
}

/** Sends the signal to the whole process group, so that a server's children end with it. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
      throw error;
    }
  }
}

function startTimeOf(pid: number): string | undefined {
  if (existsSync("/proc/self/stat")) {
    try {
      // After the name, which may contain any character: the state, and 19 more fields up to the start time; see proc(5).
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      return fields[0] === "Z" ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  const result = execaSync("ps", ["-o", "lstart=", "-p", String(pid)], { reject: false });
  return result.exitCode === 0 ? result.stdout.trim() : undefined;
}

/** @returns the last lines of a text file, without colours, indented */
export function lastLines(file: string, count: number): string {
  const text = existsSync(file) ? stripAnsi(readFileSync(file, "utf8")).trimEnd() : "";
  const lines = text === "" ? ["(nothing)"] : text.split("\n").slice(-count);
  return lines.map((line) => `  ${line.slice(0, 400)}`).join("\n");
}

function reason(error: unknown): string {
  return error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error);
}
