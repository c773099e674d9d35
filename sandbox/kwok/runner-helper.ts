import { chmodSync, constants, copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

/** A program and its arguments. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** Where the real runner's scripts call the helper that fetches and stores caches and artifacts; the runner itself, in the helper image. */
const helperPath = "/usr/bin/gitlab-runner-helper";

/** Lays a folder over /usr/bin, for the program that comes after it and its children alone. */
const layOver = 'mount -t overlay overlay -o "lowerdir=$1:/usr/bin" /usr/bin && shift && exec "$@"';

/**
 * Makes a command see the real runner as its own helper, in a mount namespace of its own, so that the machine's /usr/bin
 * stays as it is.
 * @param runner the `gitlab-runner` program
 * @param folder a folder for a copy of it, which every user can run
 * @returns the command to run instead, or undefined where this machine has no mount namespaces or overlays for us
 */
export async function withRunnerHelper(runner: string, folder: string, wanted: Command): Promise<Command | undefined> {
  if (existsSync(helperPath)) {
    return wanted;
  }
  mkdirSync(folder, { recursive: true });
  const copy = join(folder, "gitlab-runner-helper");
  copyFileSync(runner, copy, constants.COPYFILE_FICLONE);
  chmodSync(copy, 0o755);
  const user = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const wrap = ({ command, args }: Command): Command => ({
    command: "unshare",
    args: [...user, "--mount", "sh", "-c", layOver, "sh", folder, command, ...args],
  });
  const trial = wrap({ command: "test", args: ["-x", helperPath] });
  const { exitCode } = await execa(trial.command, trial.args, { reject: false, timeout: 10_000, stdin: "ignore" });
  return exitCode === 0 ? wrap(wanted) : undefined;
}
