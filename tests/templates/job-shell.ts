import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { onPath } from "../../tools/on-path.ts";
import { debianTool } from "./debian-tools.ts";
import type { BuilderCall } from "./fake-builder.ts";
import type { Job } from "./pipeline-project.ts";

/** A shell that a builder's image may have. */
export interface Shell {
  readonly name: "dash" | "bash" | "busybox";
  /** Command that runs a script's file. */
  readonly command: readonly string[];
  /** Command that runs one of the small programs. */
  readonly program: (name: string) => readonly string[];
}

/** The only programs that the builders' images have in common, besides a shell. */
const programs = ["base64", "mkdir", "mktemp", "rm", "tr"];

/**
 * The shells of the builders' images: busybox in BuildKit's and Kaniko's, bash in Buildah's. dash is the strictest.
 * @returns each, or undefined where the machine has none
 */
export async function shells(): Promise<Readonly<Record<Shell["name"], Shell | undefined>>> {
  const system = (name: string) => [onPath(name) ?? name];
  const [busybox, dash] = await Promise.all([debianTool("busybox"), debianTool("dash")]);
  const bash = onPath("bash");
  return {
    dash: dash === undefined ? undefined : { name: "dash", command: [dash], program: system },
    bash: bash === undefined ? undefined : { name: "bash", command: [bash], program: system },
    busybox:
      busybox === undefined
        ? undefined
        : { name: "busybox", command: [busybox, "ash"], program: (name) => [busybox, name] },
  };
}

/** What a job is run with. */
export interface JobRunOptions {
  readonly job: Job;
  readonly shell: Shell;
  /** GitLab's own variables and the project's. */
  readonly variables: Readonly<Record<string, string>>;
  /** Names of the commands that are builders; all are fakes. */
  readonly commands: readonly string[];
  /** Part of a builder's arguments that make it fail. */
  readonly failAt?: string;
  /** Files of the repository, by path. @defaultValue a Dockerfile */
  readonly files?: readonly string[];
}

/** What a job has done. */
export interface JobRun {
  readonly exitCode: number | undefined;
  /** The job's log. */
  readonly log: string;
  /** Every call of a builder, in order. */
  readonly calls: readonly BuilderCall[];
  /** Every word of every other program's command line. */
  readonly words: readonly string[];
  /** Folder of the repository; it is gone. */
  readonly projectDir: string;
}

/**
 * Runs the scripts of a job as the runner does, in one shell that ends at the first error, with nothing on PATH but what
 * every builder's image has, and fake builders.
 */
export async function runJob(options: JobRunOptions): Promise<JobRun> {
  const work = mkdtempSync(join(tmpdir(), "gitlab-runner-test-"));
  const file = (name: string) => join(work, name);
  const projectDir = file("builds/my group/app");
  try {
    for (const path of options.files ?? ["Dockerfile"]) {
      mkdirSync(dirname(join(projectDir, path)), { recursive: true });
      writeFileSync(join(projectDir, path), "FROM scratch\n");
    }
    mkdirSync(file("bin"));
    mkdirSync(file("tmp"));
    const quotedLog = quote(file("words"));
    for (const name of programs) {
      const target = options.shell.program(name).map(quote).join(" ");
      command(file(`bin/${name}`), `printf '%s\\n' "$0" "$@" >>${quotedLog}\nexec ${target} "$@"`);
    }
    const fake = [process.execPath, join(import.meta.dirname, "fake-builder.ts"), file("calls")].map(quote).join(" ");
    for (const name of options.commands) {
      command(file(`bin/${name}`), `exec ${fake} "$0" "$@"`);
    }
    writeFileSync(file("script"), runnerScript([...options.job.before_script, ...options.job.script]));
    const predefined = { CI_PROJECT_DIR: projectDir, ...options.variables };
    const [shell = "sh", ...shellArgs] = options.shell.command;
    const { exitCode, all } = await execa(shell, [...shellArgs, file("script")], {
      cwd: projectDir,
      extendEnv: false,
      env: {
        // Of the image.
        HOME: file("home"),
        TMPDIR: file("tmp"),
        ...expandVariables(options.job.variables, predefined),
        ...predefined,
        // Of the test.
        PATH: file("bin"),
        NODE_NO_WARNINGS: "1",
        KANIKO_EXECUTOR: file("bin/executor"),
        ...("DOCKER_CONFIG" in options.job.variables && { DOCKER_CONFIG: file("docker-config") }),
        ...(options.failAt !== undefined && { FAKE_BUILDER_FAILS_AT: options.failAt }),
      },
      all: true,
      reject: false,
      stdin: "ignore",
      timeout: 30_000,
    });
    const read = (name: string) =>
      existsSync(file(name))
        ? readFileSync(file(name), "utf8")
            .split("\n")
            .filter((line) => line !== "")
        : [];
    return {
      exitCode,
      log: all,
      calls: read("calls").map((line) => JSON.parse(line) as BuilderCall),
      words: read("words"),
      projectDir,
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The words of a call that come after each of this option's. */
export function valuesOf(call: BuilderCall | undefined, option: string): string[] {
  return (call?.arguments ?? []).filter((_, index, all) => all[index - 1] === option);
}

/**
 * A script as the runner makes it: each command after its first line as a notice, all in one `eval` that has nothing to
 * read. See https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/shells/bash.go
 */
function runnerScript(commands: readonly string[]): string {
  const lines = commands.flatMap((text) => [`echo ${quote(`$ ${text.split("\n")[0] ?? ""}`)}`, text.trim()]);
  const pipefail = "if (set -o pipefail) 2>/dev/null; then set -o pipefail; fi";
  return `${pipefail}\nset -o errexit\nset +o noclobber\n: | eval ${quote(lines.join("\n"))}\nexit 0\n`;
}

/** A job's own variables, with those that they name put in, as GitLab does before the shell sees them. */
function expandVariables(
  variables: Readonly<Record<string, string>>,
  predefined: Readonly<Record<string, string>>,
): Record<string, string> {
  const expand = (text: string) =>
    text.replaceAll(/\$(\$|\w+|\{\w+\})/g, (_, name: string) =>
      name === "$" ? "$" : (predefined[name.replaceAll(/[{}]/g, "")] ?? ""),
    );
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, expand(value)]));
}

function command(path: string, script: string): void {
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
