import { existsSync } from "node:fs";
import { execa } from "execa";
import { onPath } from "../../tools/on-path.ts";

/**
 * Finds a program that a test needs, or installs its Debian package where this is a Debian and the user is root, as in CI: a
 * test that is left out for want of a program would pass for one that has passed.
 * @returns its path
 * @throws Error saying what to install
 */
export async function requiredProgram(program: string, debianPackage = program): Promise<string> {
  const found = onPath(program);
  if (found !== undefined) {
    return found;
  }
  if (process.getuid?.() === 0 && existsSync("/etc/debian_version")) {
    const options = { env: { DEBIAN_FRONTEND: "noninteractive" }, timeout: 10 * 60_000, all: true } as const;
    // Another package manager at work is waited for.
    const wait = ["-o", "DPkg::Lock::Timeout=120"];
    await execa("apt-get", [...wait, "update"], options);
    await execa("apt-get", [...wait, "install", "--yes", "--no-install-recommends", debianPackage], options);
  }
  const installed = onPath(program);
  if (installed === undefined) {
    throw new Error(
      `There is no ${program} on PATH. Install it; on Debian and Ubuntu: apt-get install ${debianPackage}`,
    );
  }
  return installed;
}
