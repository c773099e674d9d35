import { hostname } from "node:os";
import { runCommand } from "../run-command.ts";
import { UserError } from "../user-error.ts";
import type { Commands } from "./run-commands.ts";
import { rootOf, type ExportedState } from "./stack-state.ts";

/** Who holds a stack, as a backend of one's own (file, S3, …) notes it. */
export interface StackLock {
  readonly user: string;
  readonly host: string;
  readonly pid: number;
  /** RFC 3339. */
  readonly since: string;
}

/** What holds a stack: locks with their owners, or an update that Pulumi Cloud knows of and whose owner it does not tell. */
export type Held = { readonly locks: readonly StackLock[] } | { readonly update: string };

/**
 * Takes the stack's lock for a moment: refreshes the stack itself, which is nowhere but in the state.
 * @returns who holds it, or undefined where nobody does
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
    throw new UserError(`pulumi refresh: ${stderr.trim().replace(/^error: /, "")}\nNothing was touched.`);
  }
  return held;
}

/**
 * @returns who holds a stack, by the message of a command that was refused; undefined where it says something else
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

/** What a lock says of its owner. */
export type LockOwner = "gone" | "alive" | "elsewhere";

/** @param isAlive whether a Pulumi of this machine has the process id */
export async function lockOwner(
  { host, pid }: StackLock,
  isAlive: (pid: number) => Promise<boolean> = isPulumiAlive,
): Promise<LockOwner> {
  if (host !== hostname()) {
    return "elsewhere";
  }
  return (await isAlive(pid)) ? "alive" : "gone";
}

/** A process id is used again sooner or later, so the name counts, too, where it can be had. */
async function isPulumiAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") {
      return false;
    }
    // It is there, and another user's.
  }
  const { exitCode, stdout } = await runCommand("ps", ["-o", "comm=", "-p", String(pid)]);
  return exitCode !== 0 || /pulumi/i.test(stdout);
}
