import { readStackConfig } from "./components/config.ts";
import { GitLabRunner } from "./components/gitlab-runner.ts";
import { checkReachable } from "./components/preflight.ts";

const config = readStackConfig();
await checkReachable(config);

const runner = new GitLabRunner("gitlab-runner", config);

export const {
  runnerId,
  runnerPage,
  runnerTags,
  enabledProjects,
  namespace,
  jobNamespace,
  release,
  cacheBucket,
  tokenSecret,
  cacheSecret,
  nextSteps,
} = runner;
