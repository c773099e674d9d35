import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa, ExecaError } from "execa";
import { parse } from "yaml";
import { z } from "zod";
import { repository } from "../../tools/repository.ts";

/** Names of the templates that build an image. */
export const builders = ["buildkit", "buildah", "kaniko"] as const;
/** Name of a template that builds an image. */
export type Builder = (typeof builders)[number];
/** Names of all templates. */
export const templates = [...builders, "python-test"] as const;
/** Name of a template. */
export type Template = (typeof templates)[number];

/** Path of the project that the documentation's examples take the templates from. */
export const componentProject = "my-group/gitlab-runner-stack";

const job = z.looseObject({
  stage: z.string(),
  tags: z.array(z.string()),
  image: z.looseObject({ name: z.string(), entrypoint: z.array(z.string()).optional() }).optional(),
  rules: z.array(z.looseObject({ if: z.string() })).default([]),
  variables: z.record(z.string(), z.string()).default({}),
  before_script: z.array(z.string()).default([]),
  script: z.array(z.string()),
});

/** A job as GitLab would hand it to a runner, but for the values of its variables. */
export type Job = z.output<typeof job>;

/** An expanded pipeline: its stages and jobs. */
export interface Pipeline {
  readonly stages: readonly string[];
  readonly jobs: Readonly<Record<string, Job>>;
}

/**
 * A GitLab project of a test's own, with the templates in it as components. `gitlab-ci-local` reads its pipelines as
 * GitLab does, and checks each against the JSON schema of GitLab's pipeline editor, which it comes with.
 */
export class PipelineProject {
  readonly path = mkdtempSync(join(tmpdir(), "gitlab-runner-test-"));
  /** Its default branch, which is none that a template could guess. */
  readonly defaultBranch = "trunk";
  readonly #expanded = new Map<string, Promise<Pipeline>>();
  #pipelines = 0;

  /** Makes the repository, with one commit. */
  async create(): Promise<this> {
    cpSync(join(repository, "templates"), join(this.path, "templates"), { recursive: true });
    const identity = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"];
    for (const args of [
      ["init", "--quiet", "--initial-branch", this.defaultBranch],
      ["remote", "add", "origin", `https://gitlab.example.com/${componentProject}.git`],
      ["add", "--all"],
      [...identity, "commit", "--quiet", "--message", "Templates"],
      ["update-ref", `refs/remotes/origin/${this.defaultBranch}`, "HEAD"],
      ["symbolic-ref", "refs/remotes/origin/HEAD", `refs/remotes/origin/${this.defaultBranch}`],
    ]) {
      await execa("git", args, { cwd: this.path, env: { GIT_CONFIG_GLOBAL: "/dev/null" }, timeout: 30_000 });
    }
    return this;
  }

  /** @returns the pipeline of a `.gitlab-ci.yml`; rejects with what GitLab would say is wrong with it */
  expand(text: string): Promise<Pipeline> {
    const found = this.#expanded.get(text) ?? this.#run(text, "--preview").then(readPipeline);
    this.#expanded.set(text, found);
    return found;
  }

  /** @returns the only job of a pipeline that includes a template */
  async imageJob(template: Builder, inputs: Readonly<Record<string, unknown>> = {}): Promise<Job> {
    const { jobs } = await this.expand(including(template, inputs));
    const [found, ...others] = Object.values(jobs);
    if (found === undefined || others.length > 0) {
      throw new Error(`${template} has the jobs ${Object.keys(jobs).join(", ")}`);
    }
    return found;
  }

  /** @returns the names of the jobs that a pipeline has under these variables; undefined takes a variable away */
  async jobNames(text: string, variables: Readonly<Record<string, string | undefined>>): Promise<string[]> {
    const options = Object.entries(variables).flatMap(([name, value]) =>
      value === undefined ? ["--unset-variable", name] : ["--variable", `${name}=${value}`],
    );
    // Before the list, it may warn that variables are overridden.
    const [list = ""] = /^\[[\]\n][^]*/m.exec(await this.#run(text, "--list-json", ...options)) ?? [];
    const jobs = JSON.parse(list) as { name: string; when: string }[];
    return jobs.filter(({ when }) => when !== "never").map(({ name }) => name);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  async #run(text: string, ...args: string[]): Promise<string> {
    // A file and a folder of its own, so that pipelines can be read at the same time.
    const id = ++this.#pipelines;
    writeFileSync(join(this.path, `pipeline-${id}.yml`), text);
    const program = join(repository, "node_modules/gitlab-ci-local/dist/index.js");
    const own = ["--home", this.path, "--file", `pipeline-${id}.yml`, "--state-dir", `.state-${id}`];
    try {
      const { stdout } = await execa(process.execPath, [program, ...own, ...args], {
        cwd: this.path,
        extendEnv: false,
        env: { PATH: process.env["PATH"] ?? "", HOME: this.path, NO_COLOR: "1" },
        stdin: "ignore",
        timeout: 60_000,
      });
      return stdout;
    } catch (error) {
      throw error instanceof ExecaError ? new Error(`${String(error.stdout)}\n${String(error.stderr)}`) : error;
    }
  }
}

function readPipeline(preview: string): Pipeline {
  const { stages, ...jobs } = parse(preview) as { stages: string[] };
  return { stages, jobs: z.record(z.string(), job).parse(jobs) };
}

/** @returns a `.gitlab-ci.yml` that includes a template as a component */
export function including(template: Template, inputs: Readonly<Record<string, unknown>> = {}): string {
  // JSON is YAML.
  const component = `$CI_SERVER_FQDN/${componentProject}/${template}@$CI_COMMIT_SHA`;
  return JSON.stringify({ include: [{ component, inputs }] });
}
