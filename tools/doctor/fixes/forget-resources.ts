import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { nameOf, readExportedState, type ExportedState, type StateResource } from "../stack-state.ts";
import type { Fix } from "./fix.ts";

/**
 * Removes deleted resources from Pulumi's state, so that `pulumi up` creates them again: in every command, MinIO's provider fails
 * to read them, and `pulumi state delete` refuses to remove resources that others depend on.
 */
export function forgetResources(gone: readonly StateResource[]): Fix {
  const names = gone.map(({ urn }) => nameOf(urn));
  return {
    id: `forget ${gone.map(({ urn, id = "" }) => `${urn} ${id}`).join(" ")}`,
    stage: "state",
    title: `Remove deleted resources from Pulumi's state, so that pulumi up creates them again: ${names.join(", ")}.`,
    commands: ["pulumi stack export --file state.json", "pulumi stack import --file state.json    (without them)"],
    certain: true,
    thenDeploy: true,
    run: async ({ commands, stack, say }) => {
      const exported = await commands.askPulumi(["stack", "export"]);
      if (exported.exitCode !== 0) {
        throw new Error("pulumi stack export failed");
      }
      say(`  Backup of the state: ${backUp(stack, exported.stdout)}`);
      const without = withoutResources(readExportedState(exported.stdout), gone);
      const imported = await commands.askPulumi(["stack", "import"], JSON.stringify(without));
      if (imported.exitCode !== 0) {
        throw new Error(`pulumi stack import: ${imported.stderr.trim()}`);
      }
    },
  };
}

/** Secrets in it are encrypted, as in the state itself. It is stored in Pulumi's folder, not in the checkout. */
function backUp(stack: string, state: string): string {
  const folder = join(process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), "doctor-backups");
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const file = join(folder, `${stack.replaceAll("/", "-")}-${time}.json`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(file, state, { mode: 0o600 });
  return file;
}

/**
 * @returns the state without these resources, and without references to them
 * @throws Error when one of them is the parent of another resource
 */
export function withoutResources(state: ExportedState, gone: readonly StateResource[]): ExportedState {
  const { deployment } = state;
  if (deployment === null) {
    return state;
  }
  const isGone = ({ urn, id, delete: isReplaced = false }: StateResource) =>
    gone.some((other) => other.urn === urn && other.id === id && (other.delete ?? false) === isReplaced);
  const left = (deployment.resources ?? []).filter((resource) => !isGone(resource));
  const urns = new Set(left.map(({ urn }) => urn));
  const isForgotten = (urn: string) => !urns.has(urn) && gone.some((other) => other.urn === urn);
  return {
    ...state,
    deployment: { ...deployment, resources: left.map((resource) => withoutReferences(resource, isForgotten)) },
  };
}

function withoutReferences(resource: StateResource, isForgotten: (urn: string) => boolean): StateResource {
  const { parent, dependencies, propertyDependencies, deletedWith, ...others } = resource;
  if (parent !== undefined && isForgotten(parent)) {
    throw new Error(`${nameOf(parent)} has parts in the state: ${nameOf(resource.urn)}`);
  }
  const known = (list: readonly string[]) => list.filter((urn) => !isForgotten(urn));
  return {
    ...others,
    ...(parent === undefined ? {} : { parent }),
    ...(dependencies == null ? {} : { dependencies: known(dependencies) }),
    ...(propertyDependencies == null
      ? {}
      : {
          propertyDependencies: Object.fromEntries(
            Object.entries(propertyDependencies).map(([property, list]) => [
              property,
              list === null ? null : known(list),
            ]),
          ),
        }),
    ...(deletedWith === undefined || isForgotten(deletedWith) ? {} : { deletedWith }),
  };
}
