import { chmodSync, constants, copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

/** A program and its arguments. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** Path at which the real runner's scripts call the helper for caches and artifacts; in the helper image, it is the runner itself. */
const helperPath = "/usr/bin/gitlab-runner-helper";

/** Mounts an overlay of a folder on /usr/bin, visible only to the program that follows and its children. */
const layOver = 'mount -t overlay overlay -o "lowerdir=$1:/usr/bin" /usr/bin && shift && exec "$@"';

/**
 * Wraps a command so that it finds the real runner as its helper, in a separate mount namespace: the machine's /usr/bin is
 * not changed.
 * @param runner the `gitlab-runner` program
 * @param folder a folder for a copy of it that every user can run
 * @returns the command to run instead, or undefined if this machine does not allow mount namespaces or overlays
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
