import { parse } from "yaml";
import { autoName } from "../auto-name.ts";
import { diffValues } from "../property-diff.ts";
import { asText, isRecord, isUnknown, unknownValue } from "../property-values.ts";
import type { Properties } from "../property-values.ts";
import { ResourceInitError } from "../resource-handler.ts";
import type { CheckFailure, Operation, ResourceHandler } from "../resource-handler.ts";
import type { Cluster } from "./cluster.ts";
import { chartArguments, findRelease, helm, HelmError } from "./helm-command.ts";
import type { InstalledRelease } from "./helm-command.ts";
import { prune } from "./object-inputs.ts";
import { resourceNames } from "./release-objects.ts";
import { describeUnreadyPods } from "./unready-pods.ts";

const defaultTimeoutSeconds = 300;

/** What the SDK adds to the inputs and the real provider leaves out. */
const notInputs = ["compat", "resourceNames", "manifest", "status"];

const installFlags = {
  "--atomic": "atomic",
  "--create-namespace": "createNamespace",
  "--dependency-update": "dependencyUpdate",
  "--disable-openapi-validation": "disableOpenapiValidation",
  "--no-hooks": "disableWebhooks",
  "--render-subchart-notes": "renderSubchartNotes",
  "--replace": "replace",
  "--skip-crds": "skipCrds",
};
const upgradeFlags = {
  "--atomic": "atomic",
  "--cleanup-on-fail": "cleanupOnFail",
  "--dependency-update": "dependencyUpdate",
  "--force": "forceUpdate",
  "--no-hooks": "disableCRDHooks",
  "--render-subchart-notes": "renderSubchartNotes",
  "--reset-values": "resetValues",
  "--reuse-values": "reuseValues",
};

/** `kubernetes.helm.v3.Release`, by the `helm` command; its id is `namespace/name`. */
export function helmRelease(cluster: () => Cluster): ResourceHandler {
  /** Installs or upgrades, and tells what came of it, even where it failed half way. */
  const deploy = async (command: "install" | "upgrade", inputs: Properties, operation: Operation) => {
    const [namespace, name] = [String(inputs.namespace), String(inputs.name)];
    const [chart = "", ...chartFlags] = await chartArguments(cluster(), inputs, operation.signal);
    const flags = switches(command === "install" ? installFlags : upgradeFlags, inputs);
    const args = [
      ...[command, name, chart, ...chartFlags],
      ...["--namespace", namespace, "--values", "-", "--output", "json"],
      ...waiting(inputs),
      ...(inputs.waitForJobs === true && inputs.skipAwait !== true ? ["--wait-for-jobs"] : []),
      ...(typeof inputs.description === "string" ? ["--description", inputs.description] : []),
      ...(typeof inputs.postrender === "string" ? ["--post-renderer", inputs.postrender] : []),
      ...(command === "upgrade" ? ["--history-max", JSON.stringify(inputs.maxHistory ?? 0)] : []),
      ...flags,
    ];
    let failure: string | undefined;
    try {
      await helm(cluster(), args, operation.signal, JSON.stringify(inputs.values ?? {}));
    } catch (error) {
      failure = (error as Error).message;
    }
    // What Helm has noted is wanted even where the time for the operation is over.
    const installed = await findRelease(cluster(), namespace, name, AbortSignal.timeout(30_000)).catch(() => undefined);
    if (installed === undefined) {
      throw new HelmError(
        `kubernetes: Helm could not ${command} release ${namespace}/${name}: ${failure ?? "it is gone"}`,
      );
    }
    const outputs = present(inputs, installed);
    if (failure !== undefined) {
      const names = Object.values(outputs.resourceNames as Record<string, string[]>).flat();
      const pods = await describeUnreadyPods(cluster(), namespace, names);
      throw new ResourceInitError({ id: `${namespace}/${name}`, outputs }, inputs, [
        `Helm release "${namespace}/${name}" is there, but did not become ready: ${failure}`,
        ...pods,
      ]);
    }
    return outputs;
  };

  return {
    async check(inputs, previousInputs, operation) {
      const checked = withDefaults(inputs, previousInputs, operation.name, await defaultNamespace(cluster(), inputs));
      if (checked.valueYamlFiles !== undefined) {
        const reason = "valueYamlFiles: this stand-in does not know it; use values, or the real plugin";
        return { inputs: checked, failures: [{ property: "valueYamlFiles", reason }] };
      }
      return isUnknown(checked) ? { inputs: checked, failures: [] } : resolveChart(cluster(), checked, operation);
    },

    diff({ oldInputs, oldOutputs, newInputs }) {
      const changes = diffValues(prune(oldOutputs, oldInputs), newInputs);
      return {
        changes: changes.map((change) => ({
          ...change,
          replaces: ["name", "namespace"].includes(String(change.path[0])),
        })),
      };
    },

    async create(inputs, operation) {
      const id = `${String(inputs.namespace)}/${String(inputs.name)}`;
      return operation.preview
        ? { id: "", outputs: { ...inputs, status: unknownValue, resourceNames: unknownValue } }
        : { id, outputs: await deploy("install", inputs, operation) };
    },

    async read(id, inputs, outputs, { signal }) {
      const [name = "", namespace = "default"] = id.split("/").reverse();
      const installed = await findRelease(cluster(), namespace, name, signal);
      if (installed === undefined) {
        return undefined;
      }
      const { chart, version } = installed.metadata;
      const imported = { chart, name, namespace, version, values: installed.values, timeout: defaultTimeoutSeconds };
      const known = Object.keys(inputs).length === 0 ? imported : inputs;
      return { id, outputs: present({ ...known, values: { ...asRecord(outputs.values) } }, installed), inputs: known };
    },

    async update(_id, inputs, oldOutputs, operation) {
      return operation.preview
        ? { ...oldOutputs, ...inputs, status: unknownValue, resourceNames: unknownValue }
        : deploy("upgrade", inputs, operation);
    },

    async delete(id, outputs, { signal }) {
      const [name = "", namespace = "default"] = id.split("/").reverse();
      try {
        await helm(cluster(), ["uninstall", name, "--namespace", namespace, ...waiting(outputs)], signal);
      } catch (error) {
        const reason = (error as Error).message;
        if (!reason.includes("not found")) {
          throw new HelmError(`kubernetes: Helm could not uninstall release ${id}: ${reason}`);
        }
      }
    },
  };
}

async function defaultNamespace(cluster: Cluster, inputs: Properties): Promise<string> {
  if (inputs.namespace !== undefined) {
    return "";
  }
  const api = await cluster.api();
  return (await api.defaultNamespaceOf("v1", "Secret").catch(() => undefined)) ?? "default";
}

function withDefaults(
  inputs: Properties,
  previousInputs: Properties,
  resourceName: string,
  namespace: string,
): Properties {
  const own = Object.fromEntries(Object.entries(inputs).filter(([name]) => !notInputs.includes(name)));
  return {
    ...own,
    name: asText(inputs.name) ?? previousInputs.name ?? autoName(resourceName),
    namespace: inputs.namespace ?? namespace,
    ...(inputs.skipAwait === true ? {} : { timeout: inputs.timeout ?? defaultTimeoutSeconds }),
  };
}

/** The version of the chart that is there now takes the place of a range such as `^1.2`, so that a newer one is a change. */
async function resolveChart(
  cluster: Cluster,
  inputs: Properties,
  { signal }: Operation,
): Promise<{ inputs: Properties; failures: CheckFailure[] }> {
  try {
    const chart = await chartArguments(cluster, inputs, signal);
    const shown = parse(await helm(cluster, ["show", "chart", ...chart], signal)) as unknown;
    return { inputs: { ...inputs, version: isRecord(shown) ? shown.version : inputs.version }, failures: [] };
  } catch (error) {
    const reason = `${(error as Error).message}; check the chart's name, version and repository`;
    return { inputs, failures: [{ property: "chart", reason }] };
  }
}

function waiting(inputs: Properties): string[] {
  const timeout = typeof inputs.timeout === "number" && inputs.timeout > 0 ? inputs.timeout : defaultTimeoutSeconds;
  return [...(inputs.skipAwait === true ? [] : ["--wait"]), "--timeout", `${timeout}s`];
}

function switches(flags: Readonly<Record<string, string>>, inputs: Properties): string[] {
  return Object.entries(flags)
    .filter(([, input]) => inputs[input] === true)
    .map(([flag]) => flag);
}

function present(inputs: Properties, { metadata, values, manifest }: InstalledRelease): Properties {
  const { name, namespace, chart, version, appVersion, revision, status } = metadata;
  return {
    ...inputs,
    version,
    values: merge(asRecord(inputs.values), values),
    resourceNames: resourceNames(manifest),
    status: { name, namespace, chart, version, appVersion, revision, status },
  };
}

function merge(under: Properties, over: Properties): Properties {
  return Object.fromEntries(
    [...new Set([...Object.keys(under), ...Object.keys(over)])].map((key) => {
      const [one, other] = [under[key], over[key]];
      return [key, isRecord(one) && isRecord(other) ? merge(one, other) : (other ?? one)];
    }),
  );
}

function asRecord(value: unknown): Properties {
  return isRecord(value) ? value : {};
}
