import type { Job, Project, Runner } from "./model.ts";
import { gitlabVersion } from "./projects-api.ts";
import type { GitLabStore } from "./store.ts";

interface Variable {
  readonly key: string;
  readonly value: string;
  readonly public: boolean;
  readonly masked: boolean;
  readonly file: boolean;
  readonly raw: boolean;
}

function variable(key: string, value: string, secret = false): Variable {
  return { key, value, public: !secret, masked: secret, file: false, raw: false };
}

function variablesOf(store: GitLabStore, job: Job, project: Project, runner: Runner): Variable[] {
  const { hostname, port, protocol } = new URL(store.url);
  const slash = project.path.lastIndexOf("/");
  const page = `${store.url}/${project.path}`;
  const predefined = {
    CI: "true",
    GITLAB_CI: "true",
    CI_SERVER: "yes",
    CI_SERVER_NAME: "GitLab",
    CI_SERVER_URL: store.url,
    CI_SERVER_HOST: hostname,
    CI_SERVER_PORT: port,
    CI_SERVER_PROTOCOL: protocol.replace(":", ""),
    CI_SERVER_VERSION: gitlabVersion,
    CI_API_V4_URL: `${store.url}/api/v4`,
    CI_JOB_ID: String(job.id),
    CI_JOB_NAME: job.name,
    CI_JOB_STAGE: job.stage,
    CI_JOB_URL: `${page}/-/jobs/${job.id}`,
    CI_PIPELINE_ID: String(job.id),
    CI_PIPELINE_IID: String(job.id),
    CI_PIPELINE_SOURCE: "api",
    CI_PROJECT_ID: String(project.id),
    CI_PROJECT_NAME: project.path.slice(slash + 1),
    CI_PROJECT_NAMESPACE: project.path.slice(0, slash),
    CI_PROJECT_PATH: project.path,
    CI_PROJECT_PATH_SLUG: slug(project.path),
    CI_PROJECT_URL: page,
    CI_DEFAULT_BRANCH: "main",
    CI_COMMIT_SHA: "0".repeat(40),
    CI_COMMIT_SHORT_SHA: "0".repeat(8),
    CI_COMMIT_REF_NAME: job.ref,
    CI_COMMIT_REF_SLUG: slug(job.ref),
    CI_COMMIT_REF_PROTECTED: String(job.protected),
    CI_COMMIT_BRANCH: job.ref,
    CI_RUNNER_ID: String(runner.id),
    CI_RUNNER_DESCRIPTION: runner.description ?? "",
    CI_RUNNER_TAGS: JSON.stringify(runner.tags),
    ...(job.image === undefined ? {} : { CI_JOB_IMAGE: job.image }),
    // There are no repositories to clone.
    GIT_STRATEGY: "none",
  };
  return [
    ...Object.entries({ ...predefined, ...job.variables }).map(([key, value]) => variable(key, value)),
    variable("CI_JOB_TOKEN", job.token, true),
  ];
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 63);
}

function image(name: string) {
  return { name, entrypoint: null, ports: [], executor_opts: {}, pull_policy: [] };
}

/** The runner's timeout, or the job's if that is shorter; in seconds. */
export function timeoutOf(job: Job, runner: Runner): number {
  return Math.min(job.timeout, runner.maximumTimeout ?? job.timeout);
}

/**
 * APIEntitiesCiJobRequestResponse: everything that a runner needs to run the job. Fields without content here (`inputs`, `run`
 * and the options) are left out: newer runners refuse a job whose `run` is null. Protected branches have separate caches, which
 * is the default of a project: https://docs.gitlab.com/ci/caching/#cache-key-names
 */
export function jobPayload(store: GitLabStore, job: Job, project: Project, runner: Runner) {
  const timeout = timeoutOf(job, runner);
  const namespace = store.findGroup(project.path.slice(0, project.path.lastIndexOf("/")))?.id ?? 0;
  const root = store.findGroup(project.path.split("/", 1)[0] ?? "")?.id ?? namespace;
  const repository = new URL(`${store.url}/${project.path}.git`);
  repository.username = "gitlab-ci-token";
  repository.password = job.token;
  return {
    id: job.id,
    token: job.token,
    allow_git_fetch: true,
    job_info: {
      id: job.id,
      name: job.name,
      stage: job.stage,
      pipeline_id: job.id,
      project_id: project.id,
      project_name: project.path.slice(project.path.lastIndexOf("/") + 1),
      project_full_path: project.path,
      namespace_id: namespace,
      root_namespace_id: root,
      organization_id: 1,
      instance_id: "emulator",
      instance_uuid: "00000000-0000-4000-8000-000000000000",
      user_id: 1,
      scoped_user_id: null,
      time_in_queue_seconds: Math.floor((store.now() - job.createdAt) / 1000),
      project_jobs_running_on_instance_runners_count: "0",
      queue_size: 0,
      queue_depth: 0,
    },
    git_info: {
      repo_url: repository.href,
      ref: job.ref,
      sha: "0".repeat(40),
      before_sha: "0".repeat(40),
      ref_type: "branch",
      refspecs: [`+refs/heads/${job.ref}:refs/remotes/origin/${job.ref}`],
      depth: 20,
      repo_object_format: "sha1",
      protected: job.protected,
    },
    runner_info: { timeout, runner_session_url: null },
    variables: variablesOf(store, job, project, runner),
    steps: [{ name: "script", script: job.script, timeout, when: "on_success", allow_failure: false }],
    hooks: [],
    image: job.image === undefined ? null : image(job.image),
    services: [],
    artifacts: [],
    cache: job.cache.map(({ unprotect, ...cache }) => ({
      ...cache,
      key: `${cache.key}-${job.protected && !unprotect ? "protected" : "non_protected"}`,
      ...{ untracked: false, when: "on_success", fallback_keys: [] },
    })),
    credentials: [],
    features: {
      trace_sections: true,
      token_mask_prefixes: ["glpat-", "glrt-", "glcbt-"],
      failure_reasons: [
        "unknown_failure",
        "script_failure",
        "api_failure",
        "stuck_or_timeout_failure",
        "runner_system_failure",
        "missing_dependency_failure",
        "runner_unsupported",
        "job_execution_timeout",
        "image_pull_failure",
        "configuration_error",
      ],
    },
    dependencies: [],
    secrets: {},
  };
}
