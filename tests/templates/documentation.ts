import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { repository } from "../../tools/repository.ts";

const levels = ["privileged", "baseline", "restricted"] as const;

/** The guide to the templates. */
export function documentation(): string {
  return readFileSync(join(repository, "docs/templates.md"), "utf8");
}

/** @returns the text of every YAML block, in order */
export function yamlBlocks(): string[] {
  return [...documentation().matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text = ""]) => text);
}

/** @returns the stack configurations among the YAML blocks */
export function stackConfigs(): Record<string, unknown>[] {
  return yamlBlocks()
    .map((text) => parse(text) as { config?: Record<string, unknown> })
    .flatMap(({ config }) => (config === undefined ? [] : [config]));
}

/** @returns the `.gitlab-ci.yml` files among the YAML blocks */
export function pipelineExamples(): string[] {
  return yamlBlocks().filter((text) => "include" in (parse(text) as object));
}

/** @returns the table of Pod Security levels */
export function documentedPodSecurity(): { title: string; works: Record<(typeof levels)[number], boolean> }[] {
  const [, section = ""] = documentation().split("### Pod Security levels\n");
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  const cells = rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
  const columns = cells[0] ?? [];
  return cells.slice(2).map((row) => ({
    title: row[0] ?? "",
    works: Object.fromEntries(levels.map((level) => [level, row[columns.indexOf(level)] === "yes"])) as Record<
      (typeof levels)[number],
      boolean
    >,
  }));
}
