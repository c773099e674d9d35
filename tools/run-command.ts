import { execa } from "execa";
import { repository } from "./repository.ts";

/** How to run a command. */
export interface CommandOptions {
  /** The whole environment. @defaultValue this process's */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Text for its standard input, which is where secrets go: arguments are everyone's to read. @defaultValue none */
  readonly input?: string | undefined;
  /** Milliseconds until it is stopped. @defaultValue never */
  readonly timeout?: number | undefined;
  /** Gets each line as it is printed, of stdout and of stderr. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** How a command ended, and what it has printed. */
export interface CommandEnd {
  /** Undefined where it could not be started, or was stopped. */
  readonly exitCode: number | undefined;
  /** There is no such program. */
  readonly isMissing: boolean;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in the order in which they were printed. */
  readonly output: string;
}

/** Runs a command in the checkout; whatever its end, it is returned, with the secrets in it. */
export async function runCommand(
  program: string,
  args: readonly string[],
  { environment = process.env, input, timeout, onLine }: CommandOptions = {},
): Promise<CommandEnd> {
  const running = execa(program, args, {
    ...(input === undefined ? { stdin: "ignore" } : { input }),
    ...(timeout === undefined ? {} : { timeout }),
    cwd: repository,
    env: environment,
    extendEnv: false,
    reject: false,
    all: true,
  });
  if (onLine !== undefined) {
    for await (const line of running.iterable({ from: "all" })) {
      onLine(line);
    }
  }
  const { exitCode, code, timedOut, stdout, stderr, all } = await running;
  return { exitCode, isMissing: code === "ENOENT", timedOut, stdout, stderr, output: all };
}
