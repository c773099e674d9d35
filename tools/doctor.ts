import { isatty } from "node:tty";
import { Command, InvalidArgumentError, Option } from "commander";
import { allChecks } from "./doctor/all-checks.ts";
import { createContext } from "./doctor/context.ts";
import { describeError } from "./clients/describe-error.ts";
import { expectedStack } from "./doctor/expected-stack.ts";
import { fixStack } from "./doctor/fix-stack.ts";
import { consent } from "./doctor/fixes/consent.ts";
import { Masker } from "./doctor/masker.ts";
import { readConfiguredStack, readPulumiStack } from "./doctor/pulumi-stack.ts";
import { describeResult, isHealthy, jsonReport, paintForTerminal, summary } from "./doctor/report.ts";
import { runChecks } from "./doctor/run-checks.ts";
import { UserError } from "./user-error.ts";

/** Exit codes: all well, or warnings only; something has to be fixed; the doctor itself cannot work. */
const exitCodes = { healthy: 0, problems: 1, cannotWork: 2 };

interface Options {
  readonly stack?: string;
  readonly json?: true;
  readonly fix?: true;
  readonly yes?: boolean;
  readonly store?: string;
  readonly grace: number;
}

const masker = new Masker();

const program = new Command("npm run doctor --")
  .description(
    "Checks a deployed stack from outside: the runner in GitLab, its pods and permissions in Kubernetes, its cache. Says what is " +
      "wrong and what to do. Without --fix, it only writes one small object to the cache.",
  )
  .option("--stack <name>", "the stack (default: the one that is selected in Pulumi)")
  .addOption(new Option("--json", "print one JSON document instead").conflicts("fix"))
  .option("--fix", "fix what can be fixed, and check again; ask before each step")
  .option("--yes", "with --fix: do not ask about what certainly belongs to this stack")
  .option(
    "--store <host:port>",
    "where this machine reaches the object store (default: minio:minioServer, or cache.server)",
  )
  .option("--grace <minutes>", "how long past a job's timeout its pod may stay", minutes, 10)
  .addHelpText("after", "\nExit code: 0 without problems, 1 with problems, 2 if it cannot check. See docs/doctor.md.")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : exitCodes.cannotWork))
  .action((options: Options) => (options.fix === true ? fix(options) : examine(options)));

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

async function fix({ stack: name, yes = false, grace, store }: Options): Promise<void> {
  const isTerminal = isatty(0) && isatty(1);
  if (!yes && !isTerminal) {
    throw new UserError(
      "--fix asks before each step, but there is no terminal.\n" +
        "To skip the question for what certainly belongs to the stack: --fix --yes\nNothing was changed.",
    );
  }
  const { name: stack } = await readConfiguredStack(name, masker);
  const results = await fixStack({
    ...{ stack, masker, environment: process.env, consent: consent({ yes, isTerminal }) },
    options: { graceMinutes: grace, storeServer: store },
    say: (text) => {
      console.log(text);
    },
  });
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
    masker.mask(error instanceof UserError ? error.message : `The doctor cannot work: ${describeError(error)}`),
  );
  process.exitCode = exitCodes.cannotWork;
}
// An open connection must not keep the command from ending.
process.exit();
