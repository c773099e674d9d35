import { Command, InvalidArgumentError } from "commander";
import { allChecks } from "./doctor/all-checks.ts";
import { createContext } from "./doctor/context.ts";
import { describeError } from "./doctor/describe-error.ts";
import { DoctorError } from "./doctor/doctor-error.ts";
import { expectedStack } from "./doctor/expected-stack.ts";
import { Masker } from "./doctor/masker.ts";
import { readPulumiStack } from "./doctor/pulumi-stack.ts";
import { describeResult, isHealthy, jsonReport, paintForTerminal, summary } from "./doctor/report.ts";
import { runChecks } from "./doctor/run-checks.ts";

/** Exit codes: all well, or warnings only; something has to be mended; the doctor itself cannot work. */
const exitCodes = { healthy: 0, problems: 1, cannotWork: 2 };

interface Options {
  readonly stack?: string;
  readonly json?: true;
  readonly store?: string;
  readonly grace: number;
}

const masker = new Masker();

const program = new Command("npm run doctor --")
  .description(
    "Checks a deployed stack from outside: the runner in GitLab, its pods and rights in Kubernetes, its cache. Says what is " +
      "wrong and what to do, and changes nothing but one small object in the cache.",
  )
  .option("--stack <name>", "the stack (default: the one that is selected in Pulumi)")
  .option("--json", "print one JSON document instead")
  .option(
    "--store <host:port>",
    "where this machine reaches the object store (default: minio:minioServer, or cache.server)",
  )
  .option("--grace <minutes>", "how long past a job's timeout its pod may stay", minutes, 10)
  .addHelpText(
    "after",
    "\nExit code: 0 without problems, 1 with problems, 2 where it cannot check. See docs/doctor.md.",
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : exitCodes.cannotWork))
  .action(examine);

async function examine(options: Options): Promise<void> {
  const stack = await readPulumiStack(options.stack, masker);
  const expected = await expectedStack(stack);
  const context = createContext({
    stack,
    expected,
    masker,
    options: { graceMinutes: options.grace, storeServer: options.store },
    environment: process.env,
  });
  const mask = (text: string) => masker.mask(text);
  const pending = runChecks(allChecks, { context, mask });
  if (options.json !== true) {
    for (const result of pending) {
      console.log(describeResult(await result, paintForTerminal));
    }
  }
  const results = await Promise.all(pending);
  console.log(options.json === true ? jsonReport(stack.name, results) : `\n${summary(stack.name, results)}`);
  process.exitCode = isHealthy(results) ? exitCodes.healthy : exitCodes.problems;
}

function minutes(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0 || text.trim() === "") {
    throw new InvalidArgumentError("It must be a number of minutes, 0 or more.");
  }
  return value;
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(
    masker.mask(error instanceof DoctorError ? error.message : `The doctor cannot work: ${describeError(error)}`),
  );
  process.exitCode = exitCodes.cannotWork;
}
// A connection without an answer must not keep the command from ending.
process.exit();
