import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { execa } from "execa";
import { givenPath } from "../tools/given-path.ts";
import { repository } from "../tools/repository.ts";
import { UserError } from "../tools/user-error.ts";
import { sandboxEnvironment } from "./environment.ts";
import { printDeployment, printNextSteps, printPage, printParts, printServers } from "./report.ts";
import { buildTools, down, running, up } from "./sandbox.ts";
import { startNoMore, startsNoMore } from "./servers.ts";
import { homelabStack } from "./stack-file.ts";

const program = new Command("npm run sandbox --")
  .description(
    "Deploys the runner for real on this machine: Pulumi, Kubernetes, MinIO and Helm, and an emulated GitLab.",
  )
  .enablePositionalOptions()
  .option(
    "--dir <path>",
    "folder of the sandbox; use several to run several sandboxes at the same time",
    join(repository, ".sandbox"),
  );

const folder = () => program.opts<{ dir: string }>().dir;

program
  .command("up", { isDefault: true })
  .description("start what is not running, and deploy")
  .option("--chart <path>", "a folder or .tgz of GitLab's chart, to install instead of the sandbox's own")
  .option("--stack <file>", "a stack file to deploy, such as one of examples/", homelabStack)
  .option("--published", "install the published provider plugins into Pulumi's plugin cache first, and use them")
  .action(async (options: { chart?: string; stack: string; published?: true }) => {
    const stopOnInterrupt = clearOnInterrupt();
    const sandbox = await up(folder(), {
      chart: options.chart === undefined ? undefined : existingPath(options.chart),
      stack: existingPath(options.stack),
      published: options.published === true,
    });
    stopOnInterrupt();
    await printDeployment(sandbox);
    printParts(sandbox);
    if (!sandbox.wasRunning) {
      printNextSteps();
    }
    printPage(sandbox);
  });

program
  .command("down")
  .description("stop the servers, and delete everything that they have stored")
  .action(async () => {
    const stopped = await down(folder());
    console.log(
      stopped === undefined
        ? "There is no sandbox to stop."
        : `Stopped ${stopped.join(", ") || "nothing; no server was running"}.`,
    );
  });

program
  .command("status")
  .description("show the servers, and what is deployed")
  .action(async () => {
    const sandbox = running(folder());
    printServers(sandbox);
    await printDeployment(sandbox);
    printParts(sandbox);
    printPage(sandbox);
  });

program
  .command("exec")
  .description("run a command with the sandbox's tools and credentials, such as: exec -- pulumi preview")
  .passThroughOptions()
  .argument("<command...>")
  .action(async ([command = "", ...args]: string[]) => {
    const sandbox = running(folder());
    const result = await execa(command, args, {
      cwd: repository,
      env: sandboxEnvironment(sandbox.folder, sandbox.state),
      extendEnv: false,
      stdio: "inherit",
      reject: false,
    });
    if (result.code === "ENOENT") {
      throw new UserError(`There is no command ${command}, neither among the sandbox's tools nor on your PATH.`);
    }
    process.exitCode = result.exitCode ?? 1;
  });

program
  .command("job")
  .description("queue a job in GitLab, and let the deployed runner run it")
  .argument("[file]", "a .gitlab-ci.yml with one job", join(import.meta.dirname, "cache-job.gitlab-ci.yml"))
  .action(async (file: string) => {
    // Imported on demand: the manager's Kubernetes client is large.
    const { deployedManager } = await import("./deployed-manager.ts");
    const { runCiJob } = await import("./run-ci-job.ts");
    const sandbox = running(folder());
    const succeeded = await runCiJob(sandbox, await deployedManager(sandbox), existingPath(file), (text) => {
      process.stdout.write(text);
    });
    process.exitCode = succeeded ? 0 : 1;
  });

program
  .command("tools")
  .description("build the sandbox's tools, and start nothing")
  .action(async () => {
    await buildTools({ forTests: true });
  });

/** @throws UserError if a path that the user gave does not exist */
function existingPath(path: string): string {
  const absolute = givenPath(path);
  if (!existsSync(absolute)) {
    throw new UserError(`There is no file or folder ${absolute}.`);
  }
  return absolute;
}

/** Until the returned function is called, Ctrl-C stops everything that this command has started and deletes its files. */
function clearOnInterrupt(): () => void {
  let wasRunning = false;
  try {
    running(folder());
    wasRunning = true;
  } catch {
    // Nothing is complete yet, so everything is deleted.
  }
  const clear = () => {
    // The handler stays, so that a second Ctrl-C does not interrupt the cleanup.
    if (startsNoMore()) {
      return;
    }
    startNoMore();
    if (wasRunning) {
      process.exit(130);
    }
    console.error("\nInterrupted; cleaning up.");
    down(folder()).then(
      () => process.exit(130),
      (error: unknown) => {
        console.error(String(error));
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", clear).on("SIGTERM", clear);
  return () => {
    process.off("SIGINT", clear).off("SIGTERM", clear);
  };
}

try {
  await program.parseAsync();
} catch (error) {
  if (startsNoMore()) {
    // Ctrl-C also ends the commands that this one runs. The cleanup continues and then ends the process.
    await new Promise(() => undefined);
  }
  if (!(error instanceof UserError)) {
    throw error;
  }
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}
