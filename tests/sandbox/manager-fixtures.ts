import type { GitLabJob } from "../../sandbox/manager/gitlab-jobs.ts";
import { registerRunner, type RunnerEntry } from "../../sandbox/manager/runner-config.ts";

/** What a test's job has of its own. */
export interface JobFields {
  readonly variables?: GitLabJob["variables"];
  readonly projectPath?: string;
  readonly image?: string;
  readonly services?: string[];
}

/** A job of project 7, `home/lab`. */
export function job({ variables = [], projectPath = "home/lab", image, services = [] }: JobFields = {}): GitLabJob {
  return {
    id: 42,
    token: "job-token-0123456789",
    job_info: { name: "build", stage: "test", project_id: 7, project_name: "lab", project_full_path: projectPath },
    git_info: { ref: "main", sha: "0".repeat(40), before_sha: "0".repeat(40) },
    runner_info: { timeout: 600 },
    variables,
    steps: [{ name: "script", script: ["true"] }],
    image: image === undefined ? null : { name: image, pull_policy: [] },
    services: services.map((name) => ({ name, pull_policy: [] })),
    artifacts: [],
    cache: [],
  };
}

/** A runner with these keys besides the necessary ones, and this text at the end of `[runners.kubernetes]`. */
export function runner(fields: Partial<RunnerEntry> = {}, kubernetes = ""): RunnerEntry {
  const { config } = registerRunner({
    config: "concurrent = 1",
    template: `[[runners]]
      [runners.feature_flags]
        FF_USE_ADVANCED_POD_SPEC_CONFIGURATION = true
      [runners.cache]
        Type = "s3"
        [runners.cache.s3]
          AccessKey = "cache-access"
          SecretKey = "cache-secret"
      [runners.kubernetes]
        namespace = "ci"
        image = "alpine:latest"
        ${kubernetes}`,
    environment: {
      CI_SERVER_URL: "http://127.0.0.1:1",
      CI_SERVER_TOKEN: "glrt-0123456789abcdefghij",
      RUNNER_EXECUTOR: "kubernetes",
    },
    hostname: "manager-pod",
  });
  const [entry] = config.runners;
  if (entry === undefined) {
    throw new Error("the fixture has no runner");
  }
  return { ...entry, ...fields };
}
