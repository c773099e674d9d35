import type { HelmRelease } from "../../clients/kubernetes.ts";
import type { StackOutputs } from "../pulumi-stack.ts";
import { pendingCreations, resourceTypes, resourcesOf, type ExportedState } from "../stack-state.ts";
import type { Fix } from "./fix.ts";

/**
 * Helm refuses to change a release whose last operation seems to be in progress, or to install one whose name is taken.
 * @returns the fix: a rollback to the last deployed revision, or an uninstallation if there is none or if
 * Pulumi's state has no such release; undefined if `pulumi up` is enough
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
      ? ", whose installation was interrupted"
      : hasFailed
        ? ", which was never deployed"
        : ", which is not in Pulumi's state";
    return {
      ...base,
      // Usually pulumi up installs it again. If the provider saw only an error of the API server, it finds nothing to do.
      ...(hasFailed ? { lastResort: true as const } : {}),
      id: `uninstall ${name} ${revision}`,
      title: `Uninstall the Helm release ${name}${what}; pulumi up installs it again.`,
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
    title: `Roll the Helm release ${name} back to revision ${lastDeployed}, since revision ${revision} is ${status}.`,
    commands: [`helm ${command.join(" ")}`],
    certain: true,
    run: ({ commands }) => commands.helm([...command, "--wait", "--timeout", "3m"]),
  };
}

/**
 * @returns whether a release certainly belongs to the stack: Pulumi was creating it when it was killed, or manages it, or it
 * mounts a Secret that the stack created
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
