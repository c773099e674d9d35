import { execa } from "execa";
import { repository } from "../repository.ts";

/** Pulumi's own command line says no. */
export class PulumiCliError extends Error {
  override readonly name = "PulumiCliError";
}

/**
 * Asks the Pulumi command line about a stack of this project, with the user's login and environment.
 * @param args such as `["stack", "export"]`
 * @returns what it prints
 * @throws PulumiCliError when it is not installed, knows no such stack, or fails
 */
export async function askPulumi(stack: string, ...args: readonly string[]): Promise<string> {
  const result = await execa("pulumi", [...args, "--stack", stack, "--non-interactive"], {
    cwd: repository,
    reject: false,
    stdin: "ignore",
    timeout: 60_000,
    env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
  });
  if (result.code === "ENOENT") {
    throw new PulumiCliError("The command 'pulumi' was not found. Install it: https://www.pulumi.com/docs/install/");
  }
  if (result.timedOut) {
    throw new PulumiCliError(`pulumi ${args.join(" ")} gave no answer within a minute.`);
  }
  if (result.failed) {
    const reason = result.stderr.replace(/^error: /, "").trim();
    throw new PulumiCliError(
      /no stack named/.test(reason)
        ? `There is no stack ${stack}. These are: pulumi stack ls\n` +
            "The sandbox has stacks of its own: npm run sandbox -- exec -- pulumi stack ls"
        : `pulumi ${args.join(" ")}: ${reason}`,
    );
  }
  return result.stdout;
}
