import { readStackConfig } from "./components/config.ts";
import { keepSecretsOutOfDebugMessages } from "./components/debug-messages.ts";
import { GitLabRunner } from "./components/gitlab-runner.ts";
import { checkReachable } from "./components/preflight.ts";

keepSecretsOutOfDebugMessages();

const name = "gitlab-runner";
const config = readStackConfig(name);
await checkReachable(config);

const runner = new GitLabRunner(name, config);

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
