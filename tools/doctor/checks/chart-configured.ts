import { ok, problem, skipped, type Check } from "../check.ts";
import { restore } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { putBack } from "../fixes/put-back.ts";

/** The chart in the cluster has the configured version. */
export const chartConfigured: Check<DoctorContext> = {
  id: "chart",
  title: "The chart has the configured version",
  needs: ["release"],
  run: async ({ kubernetes, outputs: { namespace, release }, expected, stack }) => {
    const { version } = expected.chart;
    if (version === undefined) {
      return skipped("chart.path is set to your own chart.");
    }
    const found = await kubernetes().helmRelease(namespace, release.name);
    return found?.chartVersion === version
      ? ok(version)
      : problem(
          `Chart ${found?.chartVersion ?? "none"} is deployed, but chart.version is ${version}.`,
          restore(stack),
          putBack(stack),
        );
  },
};
