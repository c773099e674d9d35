import type { JobVariables } from "./job-variables.ts";

/** Quotes a text for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Shell text that sets the job's environment and its file variables. */
export function environmentScript(variables: JobVariables): string {
  const lines = ["umask 077"];
  for (const [path, content] of variables.files) {
    lines.push(
      `mkdir -p ${quote(path.slice(0, path.lastIndexOf("/")))}`,
      `printf %s ${quote(content)} > ${quote(path)}`,
    );
  }
  for (const [key, value] of variables.values) {
    // What is no name for a shell cannot be set in one; the runner's shells skip it, too.
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) {
      lines.push(`export ${key}=${quote(value)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/**
 * A step of a job as shell text: each command is shown and run in the project's folder, and the first that fails ends
 * the step with its exit code.
 */
export function stepScript(variables: JobVariables, commands: readonly string[]): string {
  const body = commands.flatMap((command) => [`printf '%s\\n' ${quote(headline(command))}`, command]).join("\n");
  const project = quote(variables.values.get("CI_PROJECT_DIR") ?? ".");
  return [
    environmentScript(variables),
    "umask 022",
    `mkdir -p ${project} && cd ${project} || exit 1`,
    "set -e",
    "(set -o pipefail) 2>/dev/null && set -o pipefail",
    // Commands that read their input get none, rather than the rest of the script.
    `eval ${quote(body)} </dev/null`,
    "",
  ].join("\n");
}

function headline(command: string): string {
  const [first = "", ...more] = command.split("\n");
  const note = more.some((line) => line.trim() !== "") ? " # collapsed multi-line command" : "";
  return `\u001B[32;1m$ ${first}${note}\u001B[0;m`;
}
