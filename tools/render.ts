import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { Command } from "commander";
import { givenPath } from "./given-path.ts";
import { writeFiles } from "./output-folder.ts";
import { redactor } from "./redactor.ts";
import { renderStack } from "./render-stack.ts";
import { repository } from "./repository.ts";
import { runCommandLine } from "./run-command-line.ts";
import { UserError } from "./user-error.ts";

const program = new Command("npm run render --")
  .description(
    "Writes what a stack would apply to files, with secrets masked: Kubernetes manifests, the runner's configuration, the " +
      "cache's policy, and the resources in GitLab and MinIO. Needs no access to any of them.",
  )
  .requiredOption("--stack <name>", "the stack: of Pulumi.NAME.yaml, here or in examples")
  .option("--chart <path>", "a folder or .tgz of GitLab's chart, to render instead of the stack's own")
  .option("--out <folder>", "where to write (default: rendered/NAME)")
  .action(async ({ stack, chart, out }: { stack: string; chart?: string; out?: string }) => {
    const chartPath = chart === undefined ? undefined : existingPath(chart);
    const folder = out === undefined ? join(repository, "rendered", stack) : givenPath(out);
    // A chart.path of the stack's starts beside Pulumi.yaml.
    process.chdir(repository);
    const { stackFile, files, notes } = await renderStack(repository, stack, chartPath);
    const redact = redactor(process.env);
    writeFiles(folder, new Map(Array.from(files, ([path, text]) => [path, redact(text)])));
    const paths = [...files.keys()].map((path) => path.replace(/^(kubernetes\/).*/, "$1"));
    console.log(`${stackFile}, as files in ${relative(givenPath("."), folder) || folder}:`);
    for (const path of new Set(paths)) {
      const count = paths.filter((other) => other === path).length;
      console.log(`  ${path}${count === 1 ? "" : `  ${count} objects`}`);
    }
    notes.forEach((note) => {
      console.log(note);
    });
  });

function existingPath(path: string): string {
  const absolute = givenPath(path);
  if (!existsSync(absolute)) {
    throw new UserError(`There is no chart ${absolute}.`);
  }
  return absolute;
}

await runCommandLine(program);
