import { isDeepStrictEqual } from "node:util";
import type { V1Secret } from "@kubernetes/client-node";
import { ok, warning, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { deleteSecrets } from "../fixes/delete-secrets.ts";
import { resourceTypes, resourcesOf, type ExportedState } from "../stack-state.ts";

/** @returns a check that only the Secrets in Pulumi's state have the stack's credentials */
export function orphanedCredentials(state: ExportedState): Check<DoctorContext> {
  return {
    id: "orphaned-credentials",
    title: "No other Secret has the stack's credentials",
    needs: ["namespaces"],
    run: async ({ kubernetes, outputs: { namespace } }) => {
      const objects = await kubernetes().jobObjects(namespace);
      const copies = unknownCopies(
        objects.filter(({ kind }) => kind === "Secret"),
        state,
      );
      return copies.length === 0
        ? ok(`in namespace ${namespace}`)
        : warning(
            `Pulumi created ${copies.join(", ")}, which is not in its state: a response of the API server was lost.`,
            deleteSecrets(namespace, copies).commands.join("\n"),
            deleteSecrets(namespace, copies),
          );
    },
  };
}

/**
 * A Secret that Pulumi creates a second time gets a new name. Another stack's Secret has other credentials.
 * Source: https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
 * @param secrets of one namespace
 * @returns the names of those that differ from one of the stack's only in the suffix of their name, and are not in the state
 */
export function unknownCopies(secrets: readonly Pick<V1Secret, "metadata" | "data">[], state: ExportedState): string[] {
  const resources = state.deployment?.resources ?? [];
  const nameIn = ({ id = "" }: { readonly id?: string | undefined }) => id.replace(/^.*\//, "");
  const known = new Set(resources.filter(({ type }) => type === resourceTypes.secret).map(nameIn));
  const owned = resourcesOf(state, resourceTypes.secret).map(nameIn);
  const base = (name: string) => name.replace(/-[0-9a-f]{8}$/, "");
  return secrets.flatMap(({ metadata, data }) => {
    const name = metadata?.name ?? "";
    const isCopy = owned.some(
      (own) =>
        base(own) === base(name) &&
        isDeepStrictEqual(secrets.find((other) => other.metadata?.name === own)?.data, data),
    );
    return isCopy && !known.has(name) ? [name] : [];
  });
}
