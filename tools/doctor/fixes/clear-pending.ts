import type { Fix } from "./fix.ts";

/**
 * Pulumi keeps an interrupted creation as pending, and warns about it each time, until it is cleared. Nothing else is
 * refreshed except the stack resource.
 * Source: https://www.pulumi.com/docs/iac/cli/commands/pulumi_refresh/
 */
export function clearPending(stack: string, root: string | undefined): Fix {
  const target = root === undefined ? [] : ["--target", root];
  return {
    id: "clear-pending",
    stage: "deploy",
    title: "Clear the interrupted operations.",
    commands: [`pulumi refresh --clear-pending-creates --stack ${stack}`],
    certain: true,
    run: ({ commands }) =>
      commands.pulumi([
        ...["refresh", "--clear-pending-creates", ...target],
        ...["--yes", "--skip-preview", "--suppress-outputs", "--suppress-progress"],
      ]),
  };
}
