import type { GitLabJob } from "./gitlab-jobs.ts";
import type { RunnerEntry } from "./runner-config.ts";

/** A job's variables. */
export interface JobVariables {
  readonly values: ReadonlyMap<string, string>;
  /** Values to mask in the job's log. */
  readonly secrets: readonly string[];
  /** Replaces `$NAME` and `${NAME}` by what GitLab and the runner set; an unknown name becomes empty, as in the runner. */
  readonly expand: (text: string) => string;
}

/**
 * The variables of a job: the runner's `environment`, GitLab's, and the path of its folder. References
 * between them are resolved once, as in the runner.
 * @param builds - the folder that contains the job's own.
 */
export function jobVariables(job: GitLabJob, runner: RunnerEntry, builds: string): JobVariables {
  const ofRunner = runner.environment.map((pair): [string, string] => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const given = new Map([
    ...ofRunner,
    ...job.variables.map(({ key, value }): [string, string] => [key, value]),
    ["CI_BUILDS_DIR", builds],
    ["CI_PROJECT_DIR", `${builds}/${job.job_info.project_full_path}`],
  ]);
  const masked = job.variables.filter((variable) => variable.masked).map(({ value }) => value);
  const secrets = [...masked, job.token, runner.token, runner.cache?.s3?.SecretKey ?? ""];
  const expand = (text: string) => expanded(text, given);
  return {
    values: new Map([...given].map(([name, value]) => [name, expand(value)])),
    secrets: secrets.filter((secret) => secret !== ""),
    expand,
  };
}

/** Source: `Variables.ExpandValue` in https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/common/spec/variables.go and https://pkg.go.dev/os#Expand */
function expanded(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$(?:([A-Za-z_]\w*|[$*#@!?\d-])|\{([^}]*)\}|\{)/g, (_, plain?: string, braced?: string) => {
    const name = plain ?? braced ?? "";
    return name === "$" ? name : (values.get(name) ?? "");
  });
}
