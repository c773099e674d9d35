/** Quotes a text for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Shell script that runs commands in a folder, with variables set. */
export function inFolder(folder: string, variables: ReadonlyMap<string, string>, commands: string): string {
  // A shell cannot set a variable with an invalid name; the runner's scripts skip it, too.
  const named = [...variables].filter(([key]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(key));
  return [
    ...named.map(([key, value]) => `export ${key}=${quote(value)}`),
    `mkdir -p ${quote(folder)} && cd ${quote(folder)} || exit 1`,
    commands,
    "",
  ].join("\n");
}

/** A job's commands as a shell script: each is printed and run, and the first that fails ends the job with its exit code. */
export function shownCommands(commands: readonly string[]): string {
  const body = commands.flatMap((command) => [`printf '%s\\n' ${quote(headline(command))}`, command]).join("\n");
  return [
    "set -e",
    "(set -o pipefail) 2>/dev/null && set -o pipefail",
    // Commands that read stdin get no input, rather than the rest of the script.
    `eval ${quote(body)} </dev/null`,
  ].join("\n");
}

function headline(command: string): string {
  const [first = "", ...more] = command.split("\n");
  const note = more.some((line) => line.trim() !== "") ? " # collapsed multi-line command" : "";
  return `\u001B[32;1m$ ${first}${note}\u001B[0;m`;
}
