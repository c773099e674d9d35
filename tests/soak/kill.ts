import { execa } from "execa";

/** What a SIGKILL meets: everything, as where a container is out of memory or a pipeline's job is lost, or the engine alone. */
export type Victims = "all processes" | "engine";

/** @returns the process and all that it has started, directly or not; plugins have process groups of their own */
export async function familyOf(pid: number): Promise<number[]> {
  const { stdout } = await execa("ps", ["-e", "-o", "pid=,ppid="]);
  const pairs = stdout.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  const family = [pid];
  for (const member of family) {
    family.push(...pairs.filter(([, parent]) => parent === member).map(([child = 0]) => child));
  }
  return family;
}

/** Sends SIGKILL to processes, of which some may have ended. */
export function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
        throw error;
      }
    }
  }
}
