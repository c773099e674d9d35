import { lt } from "semver";
import { ok, skipped, warning, type Check } from "../check.ts";
import { newestChart } from "../chart-index.ts";
import type { DoctorContext } from "../context.ts";
import { describeError } from "../../clients/describe-error.ts";
import { callLimit } from "../../clients/time-limit.ts";

/** The repository has no newer chart. */
export const chartNewest: Check<DoctorContext> = {
  id: "chart-newest",
  title: "The chart is up to date",
  needs: ["release"],
  run: async ({ kubernetes, outputs: { namespace, release }, expected, stack }) => {
    const { repository } = expected.chart;
    if (repository === undefined) {
      return skipped("chart.path is set to your own chart.");
    }
    let index: string;
    try {
      index = await fetchIndex(repository);
    } catch (error) {
      return skipped(`The repository ${repository} cannot be read: ${describeError(error)}`);
    }
    const newest = newestChart(index, "gitlab-runner");
    const deployed = (await kubernetes().helmRelease(namespace, release.name))?.chartVersion;
    if (newest === undefined || deployed === undefined) {
      return skipped(`The repository ${repository} has no chart gitlab-runner.`);
    }
    return lt(deployed, newest)
      ? warning(
          `Chart ${deployed} is deployed; ${newest} is the newest in ${repository}.`,
          "Read the changes, https://gitlab.com/gitlab-org/charts/gitlab-runner/-/releases, then:\n" +
            `pulumi config set --path chart.version ${newest} --stack ${stack}\npulumi up --stack ${stack}`,
        )
      : ok(deployed);
  },
};

async function fetchIndex(repository: string): Promise<string> {
  const response = await fetch(`${repository.replace(/\/+$/, "")}/index.yaml`, {
    signal: AbortSignal.timeout(callLimit),
  });
  if (!response.ok) {
    throw new Error(`HTTP ${response.status}`);
  }
  return response.text();
}
