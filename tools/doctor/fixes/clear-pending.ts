import type { Fix } from "./fix.ts";

/**
 * Pulumi keeps a creation that was cut off as pending, and warns of it each time, until it is told to forget it. Nothing else is
 * refreshed with it than the stack itself.
 * Source: https://www.pulumi.com/docs/iac/cli/commands/pulumi_refresh/
 */
export function clearPending(stack: string, root: string | undefined): Fix {
  const target = root === undefined ? [] : ["--target", root];
  return {
    id: "clear-pending",
    stage: "deploy",
    title: "Forget that something was cut off.",
    commands: [`pulumi refresh --clear-pending-creates --stack ${stack}`],
    certain: true,
    run: ({ commands }) =>
      commands.pulumi([
        ...["refresh", "--clear-pending-creates", ...target],
        ...["--yes", "--skip-preview", "--suppress-outputs", "--suppress-progress"],
      ]),
  };
}
