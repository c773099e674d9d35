import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { format, resolveConfig } from "prettier";
import { argumentTypes } from "./generate/argument-types.ts";
import { configurationPage } from "./generate/configuration-page.ts";
import { projectFile } from "./generate/project-file.ts";

/** What is made of the settings' declarations, by file; each is made of what the file has now. */
const generated: Readonly<Record<string, (now: string) => string>> = {
  "components/gitlab-runner-args.ts": argumentTypes,
  "docs/configuration.md": configurationPage,
  "Pulumi.yaml": projectFile,
};

const repository = join(import.meta.dirname, "..");

const program = new Command("npm run generate --")
  .description(
    "Writes what is made of the settings' declarations in components/settings: the types of GitLabRunner's arguments, " +
      "the tables of docs/configuration.md, and the configuration keys of Pulumi.yaml.",
  )
  .option("--check", "write nothing; exit code 1 if a file is not what it would be")
  .action(async ({ check = false }: { readonly check?: boolean }) => {
    const stale: string[] = [];
    for (const [file, generate] of Object.entries(generated)) {
      const path = join(repository, file);
      const now = await readFile(path, "utf8");
      const options = await resolveConfig(path);
      const wanted = await format(generate(now), { ...options, filepath: path });
      if (wanted !== now) {
        stale.push(file);
        if (!check) {
          await writeFile(path, wanted);
        }
      }
    }
    if (stale.length > 0) {
      console.log(`${check ? "Not up to date" : "Written"}: ${stale.join(", ")}`);
    }
    if (check && stale.length > 0) {
      console.log("  npm run generate");
      process.exitCode = 1;
    }
  });

await program.parseAsync();
