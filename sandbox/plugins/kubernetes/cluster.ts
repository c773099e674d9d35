import { existsSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { temporaryFolder } from "../temporary-folder.ts";
import type { ObjectApi } from "./object-api.ts";

/** How the provider is configured. */
export interface ClusterSettings {
  /** Path of a kubeconfig, or its contents; undefined for the user's own. */
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** Namespace of what names none. */
  readonly namespace: string | undefined;
  /** Change Secrets in place instead of replacing them. */
  readonly mutableSecrets: boolean;
  /** Change ConfigMaps in place instead of replacing them. */
  readonly mutableConfigMaps: boolean;
  /** Take over fields that others manage. */
  readonly force: boolean;
}

/** Settings of the real provider that change what it does, and that this stand-in does not know. */
const unsupportedSettings = ["cluster", "renderYamlToDirectory", "deleteUnreachable", "upsertExistingObjects"];

/**
 * @param config the provider's own configuration, `kubernetes:context` and others
 * @param environment has the variables that stand in for what is not configured
 * @throws Error naming what is not supported
 */
export function clusterSettings(
  config: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>>,
): ClusterSettings {
  const unsupported = unsupportedSettings.filter((key) => !["", "false", undefined].includes(config[key]));
  if (unsupported.length > 0 || config.enableServerSideApply === "false") {
    const keys = unsupported.length > 0 ? unsupported : ["enableServerSideApply"];
    throw new Error(
      `kubernetes: ${keys.map((key) => `kubernetes:${key}`).join(", ")}: this stand-in does not know it; the real plugin does`,
    );
  }
  const isOn = (key: string, variable: string) => (config[key] ?? environment[variable]) === "true";
  return {
    kubeconfig: config.kubeconfig,
    context: config.context,
    namespace: config.namespace,
    mutableSecrets: isOn("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
    mutableConfigMaps: isOn("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
    force: isOn("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
  };
}

/** The cluster that the provider works on; nothing is read or connected before it is needed. */
export class Cluster {
  readonly settings: ClusterSettings;
  #api: Promise<ObjectApi> | undefined;
  #helmEnvironment: Readonly<Record<string, string>> | undefined;

  constructor(settings: ClusterSettings) {
    this.settings = settings;
  }

  /** @throws Error when the kubeconfig cannot be read or has no such context */
  api(): Promise<ObjectApi> {
    this.#api ??= this.#connect();
    return this.#api;
  }

  /** @returns the variables that make `helm` use this cluster, and folders of its own instead of the user's */
  helmEnvironment(): Readonly<Record<string, string>> {
    this.#helmEnvironment ??= this.#createHelmEnvironment();
    return this.#helmEnvironment;
  }

  async #connect(): Promise<ObjectApi> {
    const [{ KubeConfig }, { ObjectApi: Api }] = await Promise.all([
      import("@kubernetes/client-node"),
      import("./object-api.ts"),
    ]);
    const { kubeconfig, context, namespace } = this.settings;
    const loaded = new KubeConfig();
    if (kubeconfig === undefined) {
      loaded.loadFromDefault();
    } else if (isFile(kubeconfig)) {
      loaded.loadFromFile(expandHome(kubeconfig));
    } else {
      loaded.loadFromString(kubeconfig);
    }
    if (context !== undefined) {
      loaded.setCurrentContext(context);
    }
    if (loaded.getCurrentCluster() === null) {
      const known = loaded.contexts.map(({ name }) => name).join(", ") || "none";
      throw new Error(
        `kubernetes: the kubeconfig has no context ${JSON.stringify(loaded.currentContext)}, or no cluster for it (contexts: ${known}). ` +
          "Set kubernetes:context to one of them, or KUBECONFIG to another file.",
      );
    }
    return Api.connect(loaded, namespace);
  }

  #createHelmEnvironment(): Readonly<Record<string, string>> {
    const folder = temporaryFolder("pulumi-helm");
    const { kubeconfig, context } = this.settings;
    const environment: Record<string, string> = {
      HELM_CACHE_HOME: join(folder, "cache"),
      HELM_CONFIG_HOME: join(folder, "config"),
      HELM_DATA_HOME: join(folder, "data"),
    };
    if (kubeconfig !== undefined) {
      environment.KUBECONFIG = expandHome(kubeconfig);
      if (!isFile(kubeconfig)) {
        environment.KUBECONFIG = join(folder, "kubeconfig");
        writeFileSync(environment.KUBECONFIG, kubeconfig, { mode: 0o600 });
      }
    }
    if (context !== undefined) {
      environment.HELM_KUBECONTEXT = context;
    }
    return environment;
  }
}

function isFile(kubeconfig: string): boolean {
  return !kubeconfig.includes("\n") && existsSync(expandHome(kubeconfig));
}

function expandHome(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}
