import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./repository.ts";
import { cacheFolder } from "./tool-cache.ts";

/** Folder with a Go module for each tool, which pins the tool and its dependencies. */
export const moduleFolder = join(repository, "sandbox", "built-tools");

/** A Go module that tools are built from. */
export interface ToolModule {
  /** Packages to build, by the name of the binary. */
  readonly packages: Readonly<Record<string, string>>;
  /** Variables that the linker sets, such as the version that a program reports. */
  readonly linkerVariables?: Readonly<Record<string, string>>;
  /** Build tags, such as one that leaves out unneeded parts. */
  readonly tags?: readonly string[];
  /** Files that a package embeds, by their path in the module's folder, with the other module that has them. */
  readonly embedded?: Readonly<Record<string, { readonly module: string; readonly path: string }>>;
  /** Needed only by this project's tests; `npm run sandbox` does not build it. */
  readonly forTests?: boolean;
}

const kubernetesVersion = "1.36.3";

const kubernetesProvider = "github.com/pulumi/pulumi-kubernetes/provider/v4";

const toolModules: Readonly<Record<string, ToolModule>> = {
  etcd: { packages: { etcd: "go.etcd.io/etcd/server/v3" } },
  kubernetes: {
    packages: Object.fromEntries(
      ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"].map((command) => [
        command,
        `k8s.io/kubernetes/cmd/${command}`,
      ]),
    ),
    // Clients reject a server that does not report a version.
    linkerVariables: {
      "k8s.io/component-base/version.gitVersion": `v${kubernetesVersion}`,
      "k8s.io/component-base/version.gitMajor": kubernetesVersion.split(".")[0] ?? "",
      "k8s.io/component-base/version.gitMinor": kubernetesVersion.split(".")[1] ?? "",
    },
  },
  kwok: { packages: { kwok: "sigs.k8s.io/kwok/cmd/kwok" } },
  minio: { packages: { minio: "github.com/minio/minio" } },
  mc: { packages: { mc: "github.com/minio/mc" } },
  pulumi: {
    packages: { pulumi: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi" },
    linkerVariables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v3.259.0" },
  },
  // Helm together with the provider, which contains it: both then have the same version, and most of it is compiled once.
  "pulumi-kubernetes": {
    packages: { helm: "helm.sh/helm/v3/cmd/helm", "pulumi-resource-kubernetes": "./pulumi-resource-kubernetes" },
    // The version of @pulumi/kubernetes: the engine refuses an older provider, and the provider's Go module has no releases.
    linkerVariables: { [`${kubernetesProvider}/pkg/version.Version`]: "4.32.0" },
    embedded: Object.fromEntries(
      ["schema.json", "terraform-mapping.json"].map((file) => [
        `pulumi-resource-kubernetes/${file}`,
        { module: kubernetesProvider, path: `cmd/pulumi-resource-kubernetes/${file}` },
      ]),
    ),
  },
  // The tests use promtool for rules and expressions only, without its cloud clients.
  prometheus: {
    packages: { promtool: "github.com/prometheus/prometheus/cmd/promtool" },
    tags: ["remove_all_sd"],
    forTests: true,
  },
};

/** Name of a tool's binary. */
export type Tool =
  | "etcd"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler"
  | "kubectl"
  | "kwok"
  | "helm"
  | "minio"
  | "mc"
  | "pulumi"
  | "pulumi-resource-kubernetes";

/** Paths of the tools' binaries. */
export type Tools = Readonly<Record<Tool, string>>;

/** Name of the binary of a tool that only tests need. */
export type TestTool = "promtool";

/** Paths of the binaries that only tests need. */
export type TestTools = Readonly<Record<TestTool, string>>;

/** @returns the path of each tool, which `npm run sandbox -- tools` builds there */
export function builtTools(): Tools {
  return binaries(false) as Tools;
}

/** @returns the path of a tool, if it is built; never another version of it, which another checkout may have built */
export function builtTool(name: Tool): string | undefined {
  const path = builtTools()[name];
  return existsSync(path) ? path : undefined;
}

/** @returns the path of each tool that only tests need, which `npm run sandbox:tools` builds there */
export function builtTestTools(): TestTools {
  return binaries(true) as TestTools;
}

/** @returns the modules of the sandbox's tools, or of those that only tests need, by name */
export function modulesFor(tests: boolean): [string, ToolModule][] {
  return Object.entries(toolModules).filter(([, { forTests = false }]) => forTests === tests);
}

function binaries(forTests: boolean): Record<string, string> {
  const entries = modulesFor(forTests).flatMap(([name, module]) =>
    Object.keys(module.packages).map((binary) => [binary, join(folderOf(name, module), binary)]),
  );
  return Object.fromEntries(entries) as Record<string, string>;
}

/** @returns the folder of a module's binaries; its name changes with everything that affects them, so what is in it is up to date */
export function folderOf(name: string, module: ToolModule): string {
  const hash = createHash("sha256").update(JSON.stringify([module, process.platform, process.arch]));
  for (const file of globSync("**/*.{mod,sum,go}", { cwd: join(moduleFolder, name) }).toSorted()) {
    hash.update(readFileSync(join(moduleFolder, name, file)));
  }
  return join(cacheFolder(), `${name}-${hash.digest("hex").slice(0, 12)}`);
}
