import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { repository } from "./repository.ts";

/** @returns the path of a program that the user has, if any; what npm has installed for this project does not count */
export function onPath(program: string): string | undefined {
  const ours = join(repository, "node_modules");
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "" && !folder.startsWith(ours))
    .map((folder) => join(folder, program))
    .find((path) => isExecutable(path));
}

/** @returns whether this user may run the file */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
