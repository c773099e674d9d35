// Stands in for a builder: records how it was called, and fails where it is told to. job-shell.ts makes what calls it.
import { appendFileSync, existsSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";

/** How a job has called a builder. */
export interface BuilderCall {
  /** Name that it was called by. */
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** What Docker's configuration held at that moment, if there was one. */
  readonly dockerConfig?: { readonly text: string; readonly mode: string };
}

const [, , log = "", program = "", ...args] = process.argv;
const configFile = join(process.env["DOCKER_CONFIG"] ?? "", "config.json");
const call: BuilderCall = {
  program: basename(program),
  arguments: args,
  environment: process.env as Record<string, string>,
  ...(existsSync(configFile) && {
    dockerConfig: {
      text: readFileSync(configFile, "utf8"),
      mode: (statSync(configFile).mode & 0o777).toString(8),
    },
  }),
};
appendFileSync(log, `${JSON.stringify(call)}\n`);
console.log(`${call.program} is at work`);
const failing = process.env["FAKE_BUILDER_FAILS_AT"];
if (failing !== undefined && args.join(" ").includes(failing)) {
  process.exitCode = 7;
}
