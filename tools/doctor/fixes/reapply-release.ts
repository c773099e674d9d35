import type { StackOutputs } from "../pulumi-stack.ts";
import type { Fix } from "./fix.ts";

/** How long Helm waits for pods; those of the manager are up within seconds where nothing is wrong. */
const wait = ["--wait", "--timeout", "3m"];

/**
 * Helm applies a revision again when it rolls back to it, even to the current one. Pulumi would find nothing to do: it compares
 * a release's values, not its objects.
 * Source: https://helm.sh/docs/helm/helm_rollback/
 * @param revision the current one
 */
export function reapplyRelease(
  { namespace, release }: Pick<StackOutputs, "namespace" | "release">,
  revision: number,
): Fix {
  const command = ["rollback", release.name, String(revision), "--namespace", namespace];
  return {
    id: "reapply-release",
    stage: "release",
    title: `Let Helm apply revision ${revision} of the release ${release.name} again.`,
    commands: [`helm ${command.join(" ")}`],
    certain: true,
    run: ({ commands }) => commands.helm([...command, ...wait]),
  };
}
