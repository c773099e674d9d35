import { cacheRules } from "./rules/cache.ts";
import { capacityRules } from "./rules/capacity.ts";
import { chartRules } from "./rules/chart.ts";
import { jobRules } from "./rules/jobs.ts";
import { managerRules } from "./rules/manager.ts";
import { namespaceRules } from "./rules/namespace.ts";
import { networkRules } from "./rules/network.ts";
import { runnerConfigRules } from "./rules/runner-config.ts";
import { registrationRules } from "./rules/registration.ts";
import type { Rule } from "./rules/rule.ts";
import { overlap, type Path } from "./path.ts";
import type { Contradiction } from "./problems.ts";
import type { RunnerSettings } from "./runner.ts";

/** Every rule between settings. */
export const rules: readonly Rule[] = [
  ...registrationRules,
  ...namespaceRules,
  ...managerRules,
  ...jobRules,
  ...capacityRules,
  ...cacheRules,
  ...chartRules,
  ...networkRules,
  ...runnerConfigRules,
];

/**
 * @param name name of the component
 * @param settings complete settings
 * @param unknown paths of values that are wrong, or known only while Pulumi deploys; rules that read them are left out
 * @returns every contradiction between the other settings
 */
export function findContradictions(
  name: string,
  settings: RunnerSettings,
  unknown: readonly Path[],
): readonly Contradiction[] {
  // With a token, there is no runner to create; a wrong one is a token, too.
  const hasToken = settings.runnerToken !== undefined || unknown.some(([key]) => key === "runnerToken");
  const registration = hasToken ? undefined : settings.registration;
  const values = { ...settings, registration, name } as Readonly<Record<string, unknown>>;
  return rules.flatMap(({ keys, find }) => {
    const paths = keys.map((key) => key.split("."));
    const groups = paths.filter((path) => path.length > 1).map(([group = ""]) => values[group]);
    const isSkipped =
      groups.some((group) => typeof group !== "object") ||
      paths.some((path) => unknown.some((other) => overlap(path, other)));
    const read = ([key = "", inner]: readonly string[]) =>
      inner === undefined ? values[key] : (values[key] as Record<string, unknown>)[inner];
    const found = isSkipped ? [] : find(...(paths.map(read) as never[]));
    return found.map((contradiction) => ({ ...contradiction, reads: paths }));
  });
}
