import type { HelmRelease } from "../../clients/kubernetes.ts";
import type { StackOutputs } from "../pulumi-stack.ts";
import { pendingCreations, resourceTypes, resourcesOf, type ExportedState } from "../stack-state.ts";
import type { Fix } from "./fix.ts";

/**
 * Helm does nothing with a release whose last operation it believes to be under way, and installs none whose name is taken.
 * @returns what gets it out of the way: back to the last revision that was deployed, or away where there is none or where
 * Pulumi's state has no such release; undefined where `pulumi up` alone will do
 * Source: https://helm.sh/docs/topics/advanced/#storage-backends
 */
export function clearRelease(
  found: HelmRelease,
  { namespace, release: { name } }: Pick<StackOutputs, "namespace" | "release">,
  state: ExportedState | undefined,
): Fix | undefined {
  const { status, revision, lastDeployed } = found;
  const isManaged = state === undefined || resourcesOf(state, resourceTypes.release).length > 0;
  const isPending = status.startsWith("pending");
  const hasFailed = isManaged && lastDeployed === undefined && status === "failed";
  const base = { stage: "release", thenDeploy: true } as const;
  if (!isManaged || hasFailed || (lastDeployed === undefined && isPending)) {
    const command = ["uninstall", name, "--namespace", namespace];
    const what = isPending
      ? ", whose installation was cut off"
      : hasFailed
        ? ", which was never deployed"
        : ", which Helm has and Pulumi's state has not";
    return {
      ...base,
      // Mostly pulumi up installs it again. Where the provider has seen no more than an error of the API server, it finds nothing to do.
      ...(hasFailed ? { lastResort: true as const } : {}),
      id: `uninstall ${name} ${revision}`,
      title: `Uninstall the Helm release ${name}${what}; pulumi up installs it anew.`,
      commands: [`helm ${command.join(" ")}`],
      certain: state !== undefined && isOwnRelease(found, { namespace, name }, state),
      run: ({ commands }) => commands.helm([...command, "--wait", "--timeout", "2m"]),
    };
  }
  if (lastDeployed === undefined || lastDeployed === revision) {
    return undefined;
  }
  const command = ["rollback", name, String(lastDeployed), "--namespace", namespace];
  return {
    ...base,
    id: `roll back ${name} ${revision}`,
    title: `Take the Helm release ${name} back to revision ${lastDeployed}, since revision ${revision} is ${status}.`,
    commands: [`helm ${command.join(" ")}`],
    certain: true,
    run: ({ commands }) => commands.helm([...command, "--wait", "--timeout", "3m"]),
  };
}

/**
 * @returns whether a release is the stack's beyond doubt: Pulumi was creating it when it was killed, or manages it, or it
 * mounts a Secret that the stack has made
 */
export function isOwnRelease(
  { tokenSecret }: Pick<HelmRelease, "tokenSecret">,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  state: ExportedState,
): boolean {
  const isWanted = ({ inputs }: { readonly inputs?: Readonly<Record<string, unknown>> | undefined }) =>
    inputs?.["name"] === name && inputs["namespace"] === namespace;
  return (
    resourcesOf(state, resourceTypes.release).some(isWanted) ||
    pendingCreations(state).some((resource) => resource.type === resourceTypes.release && isWanted(resource)) ||
    (tokenSecret !== undefined &&
      resourcesOf(state, resourceTypes.secret).some(({ id }) => id === `${namespace}/${tokenSecret}`))
  );
}
