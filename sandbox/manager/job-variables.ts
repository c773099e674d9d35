import type { GitLabJob } from "./gitlab-jobs.ts";
import type { RunnerEntry } from "./runner-config.ts";

/** A job's variables with references between them resolved. */
export interface JobVariables {
  /** Values by name; of a file variable, the path of its file. */
  readonly values: ReadonlyMap<string, string>;
  /** Contents of file variables by path. */
  readonly files: ReadonlyMap<string, string>;
  /** What must not be read in the job's log. */
  readonly secrets: readonly string[];
  /** Replaces `$NAME` and `${NAME}`; an unknown name gives nothing, as in the runner. */
  expand(text: string): string;
}

/**
 * The variables of a job: GitLab's, the runner's `environment`, and what only the runner knows.
 * @param builds - the folder that holds the job's own.
 */
export function jobVariables(job: GitLabJob, runner: RunnerEntry, builds: string): JobVariables {
  const raw = new Map<string, string>();
  const references = new Map<string, string>();
  const files = new Map<string, string>();
  const projectPath = job.job_info.project_full_path ?? job.variables.find((v) => v.key === "CI_PROJECT_PATH")?.value;
  const project = `${builds}/${safePath(projectPath ?? String(job.job_info.project_id))}`;

  for (const pair of runner.environment) {
    const [, key = "", value = ""] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    if (key !== "") {
      references.set(key, value);
    }
  }
  for (const { key, value, file, raw: literal } of job.variables) {
    references.delete(key);
    raw.delete(key);
    if (file === true) {
      const path = `${project}.tmp/${key}`;
      files.set(path, value);
      raw.set(key, path);
    } else if (literal === true) {
      raw.set(key, value);
    } else {
      references.set(key, value);
    }
  }
  raw.set("CI_PROJECT_DIR", project);
  raw.set("CI_BUILDS_DIR", builds);
  raw.set("CI_CONCURRENT_ID", "0");
  raw.set("CI_SERVER", "yes");
  raw.set("CI_JOB_TIMEOUT", String(job.runner_info.timeout));
  for (const key of raw.keys()) {
    references.delete(key);
  }

  const all = new Map([...references, ...raw]);
  const values = new Map(raw);
  // One pass, as in the runner's documentation: a value that came by reference is not searched again.
  for (const [key, value] of references) {
    values.set(key, expandWith(all, value));
  }
  const expand = (text: string) => expandWith(values, text);

  const masked = job.variables.filter((variable) => variable.masked === true);
  const secrets = [
    ...masked.flatMap(({ key, value }) => [value, values.get(key) ?? ""]),
    job.token,
    runner.token,
    runner.cache?.s3?.SecretKey ?? "",
  ];
  return { values, files, secrets: secrets.filter((secret) => secret !== ""), expand };
}

function expandWith(values: ReadonlyMap<string, string>, text: string): string {
  return text.replaceAll(
    /\$\$|\$([A-Za-z_][A-Za-z0-9_]*)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g,
    (match, plain?: string, braced?: string) => {
      const name = plain ?? braced;
      return name === undefined ? match : (values.get(name) ?? "");
    },
  );
}

/** A project's path as a folder below the builds folder; GitLab allows no `..` in it, and neither does this. */
function safePath(path: string): string {
  const parts = path.split("/").filter((part) => /^[A-Za-z0-9_.-]+$/.test(part) && !/^\.+$/.test(part));
  return parts.length === 0 ? "project" : parts.join("/");
}
