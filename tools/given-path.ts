import { resolve } from "node:path";

/** @returns a path as the user means it: npm runs scripts in the project's folder, and INIT_CWD tells where it was called */
export function givenPath(path: string): string {
  return resolve(process.env["INIT_CWD"] ?? ".", path);
}
