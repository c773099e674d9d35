import { homedir } from "node:os";
import { join } from "node:path";

/** Folder of the tools that the sandbox has built, the only thing that outlives it: `$XDG_CACHE_HOME/gitlab-runner-sandbox`. */
export function cacheFolder(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "gitlab-runner-sandbox");
}
