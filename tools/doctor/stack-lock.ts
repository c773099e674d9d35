import { hostname } from "node:os";
import { runCommand } from "../run-command.ts";
import { UserError } from "../user-error.ts";
import type { Commands } from "./run-commands.ts";
import { rootOf, type ExportedState } from "./stack-state.ts";

/** Who holds a stack's lock, as a self-managed backend (file, S3, …) stores it. */
export interface StackLock {
  readonly user: string;
  readonly host: string;
  readonly pid: number;
  /** RFC 3339. */
  readonly since: string;
}

/** What holds a stack: locks with their owners, or an update in Pulumi Cloud, which does not show the owner. */
export type Held = { readonly locks: readonly StackLock[] } | { readonly update: string };

/**
 * Takes the stack's lock for a moment: it refreshes only the stack resource, which exists only in the state.
 * @returns who holds it, or undefined if nobody does
 * @throws UserError when Pulumi cannot work with the stack for another reason, such as a wrong passphrase
 */
export async function stackHeld(commands: Commands, state: ExportedState): Promise<Held | undefined> {
  const root = rootOf(state);
  const target = root === undefined ? [] : ["--target", root.urn];
  const { exitCode, stdout, stderr } = await commands.askPulumi(["refresh", "--yes", "--skip-preview", ...target]);
  if (exitCode === 0) {
    return undefined;
  }
  const held = readHeld(`${stderr}\n${stdout}`);
  if (held === undefined) {
    throw new UserError(`pulumi refresh: ${stderr.trim().replace(/^error: /, "")}\nNothing was changed.`);
  }
  return held;
}

/**
 * @returns who holds a stack, from the message of a refused command; undefined for any other message
 * Source: `checkForLock` in https://github.com/pulumi/pulumi/blob/master/pkg/backend/diy/lock.go; the service answers 409
 */
export function readHeld(message: string): Held | undefined {
  const locks = [...message.matchAll(/created by (.+)@(\S+) \(pid (\d+)\) at (\S+)/g)].map(
    ([, user = "", host = "", pid = "", since = ""]) => ({ user, host, pid: Number(pid), since }),
  );
  if (locks.length > 0) {
    return { locks };
  }
  const update = /^.*(?:\b409\b.*Conflict|Another update is currently in progress).*$/im.exec(message)?.[0];
  return update === undefined ? undefined : { update: update.replace(/^error: /, "").trim() };
}

/** Status of a lock's owner. */
export type LockOwner = "gone" | "alive" | "elsewhere";

/** @param isAlive whether a Pulumi process on this machine has the process id */
export async function lockOwner(
  { host, pid }: StackLock,
  isAlive: (pid: number) => Promise<boolean> = isPulumiAlive,
): Promise<LockOwner> {
  if (host !== hostname()) {
    return "elsewhere";
  }
  return (await isAlive(pid)) ? "alive" : "gone";
}

/** Process ids are reused, so the process name is compared, too, if it is available. */
async function isPulumiAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") {
      return false;
    }
    // It exists and belongs to another user.
  }
  const { exitCode, stdout } = await runCommand("ps", ["-o", "comm=", "-p", String(pid)]);
  return exitCode !== 0 || /pulumi/i.test(stdout);
}
