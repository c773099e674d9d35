import type { ExpectedStack } from "./expected-stack.ts";
import type { StackOutputs } from "./pulumi-stack.ts";
import { resourceTypes, resourcesOf, type ExportedState } from "./stack-state.ts";

/** @returns the outputs that a stack would have whose first `pulumi up` was cut off: those of its resources that are there */
export function unfinishedOutputs(expected: ExpectedStack, state: ExportedState): StackOutputs {
  const runnerId = resourcesOf(state, resourceTypes.runner)[0]?.id;
  const enabledProjects = resourcesOf(state, resourceTypes.enablement).map(({ inputs }) => String(inputs?.["project"]));
  return {
    ...(runnerId === undefined ? {} : { runnerId: Number(runnerId) }),
    ...(expected.cache === undefined ? {} : { cacheBucket: expected.cache.bucket }),
    ...(expected.runner === undefined ? {} : { runnerTags: expected.runner.tagLists }),
    enabledProjects,
    namespace: expected.namespace,
    jobNamespace: expected.jobNamespace,
    // Whether it is there is the release's own check.
    release: { name: expected.release, chart: `gitlab-runner-${expected.chart.version ?? ""}` },
  };
}
