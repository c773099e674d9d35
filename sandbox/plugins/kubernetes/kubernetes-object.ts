import pRetry, { AbortError } from "p-retry";
import { autoName } from "../auto-name.ts";
import { diffValues } from "../property-diff.ts";
import type { PropertyChange } from "../property-diff.ts";
import { asText, isRecord, isUnknown, withSecrets } from "../property-values.ts";
import type { Properties } from "../property-values.ts";
import { ResourceInitError } from "../resource-handler.ts";
import type { Operation, ResourceHandler } from "../resource-handler.ts";
import type { Cluster } from "./cluster.ts";
import { deleteObject } from "./deletion.ts";
import { KubernetesError } from "./kubernetes-error.ts";
import type { KubernetesJson, ObjectApi, ObjectReference } from "./object-api.ts";
import { inputsFromLive, isUnchanged, normalize, prune } from "./object-inputs.ts";
import { waitUntilReady } from "./readiness.ts";
import { replacingFields } from "./replacing-fields.ts";

/** Marks objects whose name the provider has made up, as the real provider does. */
const autonamedAnnotation = "pulumi.com/autonamed";
const createRetries = 5;

/** Any object of Kubernetes, of whatever type; its id is `namespace/name`, or the name alone for what is in no namespace. */
export function kubernetesObject(cluster: () => Cluster): ResourceHandler {
  return {
    async check(inputs, previousInputs, operation) {
      const named = withName({ ...typeOf(operation.type), ...inputs }, previousInputs, operation.name);
      return { inputs: await withNamespace(cluster(), named, previousInputs), failures: [] };
    },

    diff({ oldInputs, oldOutputs, newInputs }) {
      const wanted = normalize(newInputs);
      const live = prune(oldOutputs, normalize(oldInputs)) as Properties;
      const type = `${String(wanted.apiVersion)}/${String(wanted.kind)}`;
      const replacing = replacingFields(type, wanted.immutable === true, cluster().settings);
      const changes = diffValues(live, wanted).map((change) => ({
        ...change,
        path: shownPath(change.path, oldInputs, newInputs),
        replaces: replacing.some((field) => `${change.path.join(".")}.`.startsWith(`${field}.`)),
      }));
      return { changes, deleteBeforeReplace: keepsName(live, wanted) };
    },

    async create(inputs, operation) {
      if (operation.preview) {
        return { id: "", outputs: await previewed(cluster(), inputs, operation) };
      }
      const api = await cluster().api();
      const reference = referenceOf(inputs);
      if ((await api.find(reference, operation.signal)) !== undefined) {
        throw new KubernetesError(
          `kubernetes: ${reference.kind} ${idOf(reference)} exists already in the cluster. ` +
            "Adopt it with `pulumi import`, or delete it, or choose another name.",
          409,
        );
      }
      // Its namespace or its type may be only just made.
      const live = await pRetry(
        async () => {
          try {
            return await api.apply(
              normalize(inputs),
              reference,
              { dryRun: false, force: isForced(cluster(), inputs) },
              operation.signal,
            );
          } catch (error) {
            throw error instanceof KubernetesError && error.status === 404 ? error : new AbortError(error as Error);
          }
        },
        { retries: createRetries, minTimeout: 500, signal: operation.signal },
      );
      return ready(api, reference, inputs, live, operation);
    },

    async read(id, inputs, _outputs, operation) {
      const api = await cluster().api();
      const live = await api.find(referenceOf({ ...typeOf(operation.type), ...inputs }, id), operation.signal);
      if (live === undefined) {
        return undefined;
      }
      const imported = Object.keys(inputs).length === 0;
      const refreshed = imported
        ? inputsFromLive(live)
        : isUnchanged(live, inputs)
          ? inputs
          : prune(live, normalize(inputs));
      return { id, outputs: present(live), inputs: present(refreshed as Properties) };
    },

    async update(id, inputs, oldOutputs, operation) {
      if (operation.preview) {
        return { ...oldOutputs, ...(await previewed(cluster(), inputs, operation)) };
      }
      const api = await cluster().api();
      const reference = referenceOf(inputs, id);
      if ((await api.find(reference, operation.signal)) === undefined) {
        throw new KubernetesError(
          `kubernetes: ${reference.kind} ${id} is no longer in the cluster. Run \`pulumi refresh\`, then try again.`,
          404,
        );
      }
      const options = { dryRun: false, force: isForced(cluster(), inputs) };
      const live = await api.apply(normalize(inputs), reference, options, operation.signal);
      return (await ready(api, reference, inputs, live, operation)).outputs;
    },

    async delete(id, outputs, operation, inputs) {
      const reference = referenceOf({ ...typeOf(operation.type), ...inputs }, id);
      const propagation = annotation(outputs, "pulumi.com/deletionPropagationPolicy") ?? "foreground";
      const policy = propagation.charAt(0).toUpperCase() + propagation.slice(1).toLowerCase();
      await deleteObject(await cluster().api(), reference, policy, operation);
    },
  };
}

/** @returns `apiVersion` and `kind` out of a type token such as `kubernetes:core/v1:Secret` */
function typeOf(token: string): { readonly apiVersion: string; readonly kind: string } {
  const [, group = "", kind = ""] = token.split(":");
  return { apiVersion: group.replace(/^core\//, ""), kind };
}

/** @param id of an object that is there; its name and namespace win over those of the inputs */
function referenceOf(inputs: Properties, id?: string): ObjectReference {
  const metadata = isRecord(inputs.metadata) ? inputs.metadata : {};
  const [name = asText(metadata.name) ?? "", namespace = id === undefined ? asText(metadata.namespace) : undefined] =
    id === undefined ? [] : id.split("/").reverse();
  return { apiVersion: String(inputs.apiVersion), kind: String(inputs.kind), name, namespace };
}

function idOf({ name, namespace }: ObjectReference): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function annotation(object: Properties, name: string): string | undefined {
  const metadata = isRecord(object.metadata) ? object.metadata : {};
  return isRecord(metadata.annotations) ? asText(metadata.annotations[name]) : undefined;
}

function withName(inputs: Properties, previousInputs: Properties, resourceName: string): Properties {
  const metadata = isRecord(inputs.metadata) ? inputs.metadata : {};
  if (metadata.name !== undefined || isUnknown(inputs.metadata)) {
    return inputs;
  }
  const previous = annotation(previousInputs, autonamedAnnotation) === "true" ? previousInputs.metadata : undefined;
  return {
    ...inputs,
    metadata: {
      ...metadata,
      name: (isRecord(previous) ? previous.name : undefined) ?? autoName(resourceName),
      annotations: { ...(isRecord(metadata.annotations) ? metadata.annotations : {}), [autonamedAnnotation]: "true" },
    },
  };
}

async function withNamespace(cluster: Cluster, inputs: Properties, previousInputs: Properties): Promise<Properties> {
  const metadata = isRecord(inputs.metadata) ? inputs.metadata : {};
  if (metadata.namespace !== undefined) {
    return inputs;
  }
  try {
    const api = await cluster.api();
    const namespace = await api.defaultNamespaceOf(String(inputs.apiVersion), String(inputs.kind));
    return namespace === undefined ? inputs : { ...inputs, metadata: { ...metadata, namespace } };
  } catch (error) {
    // A preview goes on without a cluster; an update says later what is wrong with it.
    if (error instanceof KubernetesError) {
      const { namespace } = isRecord(previousInputs.metadata) ? previousInputs.metadata : {};
      return { ...inputs, metadata: { ...metadata, namespace } };
    }
    throw error;
  }
}

/** What the server would make of the inputs; the inputs themselves where it cannot tell. */
async function previewed(cluster: Cluster, inputs: Properties, { signal }: Operation): Promise<Properties> {
  if (isUnknown(inputs)) {
    return inputs;
  }
  try {
    const api = await cluster.api();
    const { status: _, ...live } = await api.apply(
      normalize(inputs),
      referenceOf(inputs),
      { dryRun: true, force: true },
      signal,
    );
    return present(live);
  } catch (error) {
    const status = error instanceof KubernetesError ? error.status : 0;
    // Its namespace is not there yet, the user may not try it, an object that is replaced is in the way, or nobody answers.
    if (status === undefined || [403, 404, 409].includes(status) || String(error).includes("field is immutable")) {
      return inputs;
    }
    throw error;
  }
}

async function ready(
  api: ObjectApi,
  reference: ObjectReference,
  inputs: Properties,
  live: KubernetesJson,
  { signal }: Operation,
) {
  try {
    return { id: idOf(reference), outputs: present(await waitUntilReady(api, reference, live, signal)) };
  } catch (error) {
    const state = { id: idOf(reference), outputs: present(live) };
    throw new ResourceInitError(state, inputs, [(error as Error).message]);
  }
}

/** The data of a Secret is secret wherever it comes from. */
function present(object: Properties): Properties {
  return object.kind === "Secret" ? withSecrets(object, "data", "stringData") : object;
}

/** Secret texts are compared as the server has them, and shown as the program has them. */
function shownPath(path: PropertyChange["path"], ...inputs: readonly Properties[]): PropertyChange["path"] {
  const [first, key = ""] = path;
  const isText = inputs.some(({ stringData }) => isRecord(stringData) && key in stringData);
  return first === "data" && isText ? ["stringData", ...path.slice(1)] : path;
}

function isForced(cluster: Cluster, inputs: Properties): boolean {
  return cluster.settings.force || annotation(inputs, "pulumi.com/patchForce") === "true";
}

/** Two objects of one name cannot be there at once. */
function keepsName(live: Properties, wanted: Properties): boolean {
  const [one, other] = [referenceOf(live), referenceOf(wanted)];
  return (
    one.name === other.name &&
    (one.namespace ?? "default") === (other.namespace ?? "default") &&
    annotation(wanted, autonamedAnnotation) !== "true"
  );
}
