import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parse } from "yaml";
import { listFile, listHeader } from "./rendered-files.ts";
import { UserError } from "./user-error.ts";

/**
 * Writes files into a folder, in place of those that an earlier call has written there.
 * @throws UserError when the folder holds anything else
 */
export function writeFiles(folder: string, files: ReadonlyMap<string, string>): void {
  const existing = existsSync(folder) ? filesIn(folder) : [];
  const own = new Set(ownFiles(folder));
  const foreign = existing.filter((file) => !own.has(file));
  if (foreign.length > 0) {
    throw new UserError(
      `${folder} contains files that were not rendered: ${foreign.slice(0, 5).join(", ")}${foreign.length > 5 ? ", …" : ""}.\n` +
        "They are not changed; set another folder with --out, or move them.",
    );
  }
  existing
    .filter((file) => file !== listFile)
    .forEach((file) => {
      remove(folder, file);
    });
  // The list comes first, so that a run which was cut off leaves nothing that the next one would not know.
  const list = [...files].filter(([path]) => path === listFile);
  for (const [path, text] of [...list, ...files]) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** All files in a folder, with their paths in it; a link is a file, whatever it leads to. */
function filesIn(folder: string): string[] {
  if (!statSync(folder).isDirectory()) {
    throw new UserError(`${folder} is a file; set a folder with --out.`);
  }
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted();
}

/** What an earlier call has written, by its own list. */
function ownFiles(folder: string): string[] {
  const path = join(folder, listFile);
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  return text.startsWith(`# ${listHeader}\n`) ? [listFile, ...listed(text)] : [];
}

/** The paths in a list; none where someone has broken it. */
function listed(text: string): string[] {
  try {
    const { files } = parse(text) as { files?: unknown };
    return Array.isArray(files) ? files.map(String) : [];
  } catch {
    return [];
  }
}

/** Deletes a file, and the folder that it was the last one of. */
function remove(folder: string, file: string): void {
  rmSync(join(folder, file));
  const parent = dirname(file);
  if (parent !== "." && readdirSync(join(folder, parent)).length === 0) {
    rmdirSync(join(folder, parent));
  }
}
