import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { onPath } from "../../tools/on-path.ts";
import { cacheFolder } from "../../tools/tool-cache.ts";

/** Programs that the tests of the templates use: each is the only one in the Debian package of its name. */
export type DebianTool = "busybox" | "dash" | "shellcheck";

/**
 * A program of the machine's own or else of Debian's package, which is unpacked into the sandbox's cache: nothing is
 * installed, and no rights are needed.
 * @returns its path, or undefined where there is neither
 * @throws Error where that is so in CI, which must not leave out a test
 */
export async function debianTool(name: DebianTool): Promise<string | undefined> {
  const installed = onPath(name);
  if (installed !== undefined) {
    return installed;
  }
  const folder = join(cacheFolder(), "debian", name);
  if (!existsSync(folder) && onPath("apt-get") !== undefined) {
    await unpack(name, folder);
  }
  const found = ["usr/bin", "bin"].map((part) => join(folder, part, name)).find((path) => existsSync(path));
  if (found === undefined && process.env["CI"] !== undefined) {
    throw new Error(`CI has no ${name}, neither on PATH nor from apt-get.`);
  }
  return found;
}

/** Why a test is skipped that {@link debianTool} has nothing for. */
export function missing(name: DebianTool): string {
  return `${name} is not on PATH, and this is no Debian that could fetch it; install it to run this test`;
}

async function unpack(name: DebianTool, folder: string): Promise<void> {
  mkdirSync(join(folder, ".."), { recursive: true });
  const work = mkdtempSync(join(folder, "..", `${name}-`));
  try {
    mkdirSync(join(work, "state/lists/partial"), { recursive: true });
    mkdirSync(join(work, "cache/archives/partial"), { recursive: true });
    mkdirSync(join(work, "files"));
    // Lists and archives of its own: those of the machine belong to root and may be out of date.
    const options = [`Dir::State=${work}/state`, `Dir::Cache=${work}/cache`, "Acquire::Retries=3"];
    const apt = (...args: string[]) =>
      execa("apt-get", [...options.flatMap((option) => ["-o", option]), ...args], { cwd: work, timeout: 5 * 60_000 });
    await apt("update");
    await apt("download", name);
    const archive = readdirSync(work).find((file) => file.endsWith(".deb"));
    if (archive === undefined) {
      throw new Error(`apt-get has downloaded no package ${name}.`);
    }
    await execa("dpkg-deb", ["--extract", archive, "files"], { cwd: work, timeout: 60_000 });
    renameSync(join(work, "files"), folder);
  } catch (error) {
    // Another test's process may have been faster.
    if (!existsSync(folder) && process.env["CI"] !== undefined) {
      throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
