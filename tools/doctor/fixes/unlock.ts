import type { Held, StackLock } from "../stack-lock.ts";
import type { Fix, FixTools } from "./fix.ts";

/** It needs no server, since it comes before everything else. */
export interface Unlock extends Fix {
  readonly run: (tools: Pick<FixTools, "commands">) => Promise<void>;
}

/**
 * @param certain whether all processes that hold the stack have ended
 * @returns a fix that removes the locks of a stack; Pulumi removes all of them at once
 */
export function unlock(stack: string, held: Held, certain: boolean): Unlock {
  return {
    id: "unlock",
    stage: "release",
    title: certain
      ? "Remove the lock of a pulumi process that no longer runs."
      : `Remove the lock of ${whoHolds(held)}, which this machine cannot see. Only if it no longer runs.`,
    commands: [`pulumi cancel ${stack}`],
    certain,
    run: async ({ commands }) => {
      const { exitCode, stderr } = await commands.askPulumi(["cancel", "--yes"]);
      if (exitCode !== 0) {
        throw new Error(`pulumi cancel: ${stderr.trim()}`);
      }
    },
  };
}

/** @returns who holds the stack, and since when */
export function whoHolds(held: Held): string {
  return "update" in held ? held.update : held.locks.map(describeLock).join("; ");
}

function describeLock({ user, host, pid, since }: StackLock): string {
  return `${user}@${host}, process ${pid}, since ${since}`;
}
