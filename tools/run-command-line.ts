import type { Command } from "commander";
import { UserError } from "./user-error.ts";

/** Runs a program with this process's arguments; it ends with 1, and the message alone, where a user has something to fix. */
export async function runCommandLine(program: Command): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof UserError)) {
      throw error;
    }
    console.error(error.message);
    process.exitCode = 1;
  }
}
