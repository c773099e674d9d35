import type { ExpectedStack } from "./expected-stack.ts";
import type { StackOutputs } from "./pulumi-stack.ts";
import { resourceTypes, resourcesOf, type ExportedState } from "./stack-state.ts";

/** Stands for a Secret that was not created; no Secret can have this name. */
const notMade = "not-made-yet.";

/** @returns the outputs of a stack whose first `pulumi up` was interrupted, from the resources that exist */
export function unfinishedOutputs(expected: ExpectedStack, state: ExportedState): StackOutputs {
  const runnerId = resourcesOf(state, resourceTypes.runner)[0]?.id;
  const enabledProjects = resourcesOf(state, resourceTypes.enablement).map(({ inputs }) => String(inputs?.["project"]));
  return {
    ...(runnerId === undefined ? {} : { runnerId: Number(runnerId) }),
    ...(expected.cache === undefined ? {} : { cacheBucket: expected.cache.bucket }),
    ...(expected.runner === undefined ? {} : { runnerTags: expected.runner.tagLists }),
    enabledProjects,
    tokenSecret: secretOf(state, "-credentials-token") ?? notMade,
    ...(expected.cache === undefined ? {} : { cacheSecret: secretOf(state, "-credentials-cache") ?? notMade }),
    namespace: expected.namespace,
    jobNamespace: expected.jobNamespace,
    // Whether it exists is checked by the release's own check.
    release: { name: expected.release, chart: `gitlab-runner-${expected.chart.version ?? ""}` },
  };
}

/** Pulumi generates the names of Secrets; the names of its resources end as the program says. */
function secretOf(state: ExportedState, suffix: string): string | undefined {
  return resourcesOf(state, resourceTypes.secret)
    .find(({ urn }) => urn.endsWith(suffix))
    ?.id?.replace(/^.*\//, "");
}
