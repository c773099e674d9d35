import type { Held, StackLock } from "../stack-lock.ts";
import type { Fix, FixTools } from "./fix.ts";

/** It needs no server, since it comes before all else. */
export interface Unlock extends Fix {
  readonly run: (tools: Pick<FixTools, "commands">) => Promise<void>;
}

/**
 * @param certain whether all that hold the stack are gone
 * @returns what takes the locks of a stack away; Pulumi takes all of them away at once
 */
export function unlock(stack: string, held: Held, certain: boolean): Unlock {
  return {
    id: "unlock",
    stage: "release",
    title: certain
      ? "Take away the lock of a pulumi that no longer runs."
      : `Take away the lock of ${whoHolds(held)}, which this machine cannot see. Only where it no longer runs.`,
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
