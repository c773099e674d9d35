import type { GitLabJob } from "../../sandbox/manager/gitlab-jobs.ts";
import { registerRunner, type RunnerEntry } from "../../sandbox/manager/runner-config.ts";

/** What a test's job has of its own. */
export interface JobFields {
  readonly variables?: Readonly<Record<string, string>>;
  /** The one whose value is masked. */
  readonly masked?: string;
  readonly image?: string;
}

/** A job of project 7, `home/lab`. */
export function job({ variables = {}, masked, image }: JobFields = {}): GitLabJob {
  return {
    id: 42,
    token: "job-token-0123456789",
    job_info: { name: "build", project_id: 7, project_name: "lab", project_full_path: "home/lab" },
    runner_info: { timeout: 600 },
    variables: Object.entries(variables).map(([key, value]) => ({ key, value, masked: key === masked })),
    steps: [{ name: "script", script: ["true"] }],
    image: image === undefined ? null : { name: image },
    cache: [],
  };
}

/** A runner with this text at the end of `[runners.kubernetes]`, and this at the beginning of `[[runners]]`. */
export function runner(kubernetes = "", own = ""): RunnerEntry {
  return registerRunner({
    config: "concurrent = 1",
    template: `[[runners]]
      ${own}
      [runners.cache]
        Type = "s3"
        [runners.cache.s3]
          ServerAddress = "minio.example.com"
          BucketName = "cache"
          BucketLocation = "us-east-1"
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
  }).runner;
}
