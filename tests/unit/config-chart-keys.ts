import { readFileSync } from "node:fs";
import { join } from "node:path";

interface ChartKeys {
  readonly keysInValuesYaml: Record<string, string>;
  readonly keysReadByTemplatesOnly: string[];
}

const known = JSON.parse(
  readFileSync(join(import.meta.dirname, "../fixtures/chart-0.86.0-values-keys.json"), "utf8"),
) as ChartKeys;

/** Every key that GitLab's chart 0.86.0 knows, with a dot between the levels. */
export const chartKeys: ReadonlySet<string> = new Set([
  ...Object.keys(known.keysInValuesYaml),
  ...known.keysReadByTemplatesOnly,
]);

/** Objects that the chart takes as they are, whatever their keys. */
const opaque = [
  ...["resources", "nodeSelector", "affinity", "podSecurityContext", "podAnnotations", "podLabels", "deploymentLabels"],
  ...["deploymentAnnotations", "strategy", "extraEnv", "configMaps", "metrics.podMonitor.labels"],
];

/** Keys of values, with a dot between the levels, down to where the chart takes an object as it is. */
export function keysOf(values: Readonly<Record<string, unknown>>, prefix = ""): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    return typeof value === "object" && value !== null && !Array.isArray(value) && !opaque.includes(path)
      ? keysOf(value as Record<string, unknown>, `${path}.`)
      : [path];
  });
}

/** Keys of values that the chart would not look at. */
export function unknownKeys(values: Readonly<Record<string, unknown>>): string[] {
  return keysOf(values).filter((key) => !chartKeys.has(key));
}
