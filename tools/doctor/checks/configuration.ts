import { ok, warning, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { difference } from "../difference.ts";

/** The last deployment matches the current configuration, as far as the stack's outputs show. */
export const configuration: Check<DoctorContext> = {
  id: "configuration",
  title: "The configuration is deployed",
  run: ({ outputs, expected, stack }) => {
    const { runner, cache, chart } = expected;
    const pairs = [
      ["namespace", outputs.namespace, expected.namespace],
      ["jobs.namespace", outputs.jobNamespace ?? outputs.namespace, expected.jobNamespace],
      ["cache.bucket", outputs.cacheBucket ?? "none", cache?.bucket ?? "none"],
      ["chart.version", outputs.release.chart, chart.version && `gitlab-runner-${chart.version}`],
    ] as const;
    const changed = pairs
      .filter(([, deployed, configured]) => configured !== undefined && deployed !== configured)
      .map(([key, deployed, configured]) => `${key}: ${deployed} is deployed, but ${configured ?? ""} is configured`);
    const lists = [
      ["tags", outputs.runnerTags ?? [], runner?.tagLists ?? []],
      ["extraProjects", outputs.enabledProjects ?? [], expected.extraProjects],
    ] as const;
    const changedLists = lists.flatMap(([key, deployed, configured]) => {
      const { missing, surplus } = difference(deployed, configured);
      return [
        ...(missing.length > 0 ? [`${key}: ${missing.join(", ")} is configured but not deployed`] : []),
        ...(surplus.length > 0 ? [`${key}: ${surplus.join(", ")} is deployed but no longer configured`] : []),
      ];
    });
    const all = [...changed, ...changedLists];
    return Promise.resolve(
      all.length === 0
        ? ok(`stack ${stack}`)
        : warning(["It has changed since the last pulumi up:", ...all].join("\n"), `pulumi up --stack ${stack}`),
    );
  },
};
