import { globSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Folder of the tools that the sandbox has built, the only thing that outlives it: `$XDG_CACHE_HOME/gitlab-runner-sandbox`. */
export function cacheFolder(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "gitlab-runner-sandbox");
}

/** @returns the path of a tool that the sandbox has built, the newest one of its name, if any */
export function cachedTool(name: string): string | undefined {
  const age = (path: string) => statSync(path).mtimeMs;
  // A build under way has a folder of its own, and is not whole.
  return globSync(join(cacheFolder(), "*", name), { exclude: (path) => /[/\\]building-/.test(path) })
    .toSorted((one, other) => age(other) - age(one))
    .at(0);
}
