import type { GitLabJob } from "./gitlab-jobs.ts";
import type { RunnerEntry } from "./runner-config.ts";

/** A job's variables. */
export interface JobVariables {
  readonly values: ReadonlyMap<string, string>;
  /** Values to mask in the job's log. */
  readonly secrets: readonly string[];
  /** Replaces `$NAME` and `${NAME}`; an unknown name becomes empty, as in the runner. */
  readonly expand: (text: string) => string;
}

/**
 * The variables of a job: the runner's `environment`, GitLab's, and the path of its folder. The stand-in does not resolve
 * references between them, unlike the runner.
 * @param builds - the folder that contains the job's own.
 */
export function jobVariables(job: GitLabJob, runner: RunnerEntry, builds: string): JobVariables {
  const ofRunner = runner.environment.map((pair): [string, string] => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const values = new Map([
    ...ofRunner,
    ...job.variables.map(({ key, value }): [string, string] => [key, value]),
    ["CI_BUILDS_DIR", builds],
    ["CI_PROJECT_DIR", `${builds}/${job.job_info.project_full_path}`],
  ]);
  const masked = job.variables.filter((variable) => variable.masked).map(({ value }) => value);
  const secrets = [...masked, job.token, runner.token, runner.cache?.s3?.SecretKey ?? ""];
  return {
    values,
    secrets: secrets.filter((secret) => secret !== ""),
    expand: (text) =>
      text.replaceAll(
        /\$(\w+)|\$\{(\w+)\}/g,
        (_, plain?: string, braced?: string) => values.get(plain ?? braced ?? "") ?? "",
      ),
  };
}
