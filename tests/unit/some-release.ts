import type { Release } from "../../components/runner-release.ts";
import { chartSettings } from "../../components/settings/chart.ts";
import { jobSettings } from "../../components/settings/jobs.ts";
import { managerSettings } from "../../components/settings/manager.ts";

/** What a release without a cache is told, and what is different in a test. */
export function someRelease(differences: Partial<Release> = {}): Release {
  return {
    name: "gitlab-runner",
    namespace: "ci",
    jobNamespace: "ci",
    gitlabUrl: "https://gitlab.com",
    managerAccount: "gitlab-runner",
    jobAccount: "gitlab-runner-job",
    tokenSecret: "gitlab-runner-token",
    cacheSecret: undefined,
    cache: undefined,
    certsSecret: undefined,
    jobCertificates: undefined,
    podSecurity: "baseline",
    linkerd: false,
    manager: managerSettings.parse({}),
    jobs: jobSettings.parse({}),
    runnerConfig: undefined,
    chart: chartSettings.parse({}),
    ...differences,
  };
}
