import { prerelease, rsort, valid } from "semver";
import { parse } from "yaml";

/**
 * @param index text of a Helm repository's `index.yaml`
 * @returns the newest version of a chart, without pre-releases, or undefined if there is none
 */
export function newestChart(index: string, chart: string): string | undefined {
  const versions = versionsIn(index, chart).filter(
    (version) => valid(version) !== null && prerelease(version) === null,
  );
  return rsort(versions)[0];
}

/**
 * The indexes of large repositories have megabytes, so one in Helm's own format, with each chart's entries in one
 * block, is not parsed as a whole.
 */
function versionsIn(index: string, chart: string): string[] {
  const block = new RegExp(`^ {2}${chart}:\\n((?: {2}[- ].*\\n?|\\n)+)`, "m").exec(index)?.[1];
  if (block !== undefined) {
    return [...block.matchAll(/^ {2}[- ] version: ["']?([^\s"']+)/gm)].map(([, version = ""]) => version);
  }
  const { entries = {} } = parse(index) as { entries?: Record<string, { version: string }[]> };
  return (entries[chart] ?? []).map(({ version }) => version);
}
