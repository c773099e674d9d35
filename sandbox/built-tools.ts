import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa, ExecaError } from "execa";
import { cacheFolder } from "../tools/tool-cache.ts";
import { UserError } from "../tools/user-error.ts";

/** Folder with a Go module for each tool, which pins the tool and its dependencies. */
const modules = join(import.meta.dirname, "built-tools");

/** A Go module that tools are built from. */
interface ToolModule {
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
type TestTool = "promtool";

/** Paths of the binaries that only tests need. */
export type TestTools = Readonly<Record<TestTool, string>>;

/** A tool to build. */
export interface ToolBuild {
  readonly title: Tool | TestTool;
  /** Whether it is in the cache already. */
  readonly ready: boolean;
  /** Builds it; at most half an hour. */
  run(): Promise<void>;
}

/** @returns the builds of the sandbox's tools, or of those that only tests need */
export function toolBuilds({ forTests = false } = {}): ToolBuild[] {
  return modulesFor(forTests).flatMap(([name, module]) =>
    Object.keys(module.packages).map((binary) => ({
      title: binary as Tool | TestTool,
      ready: existsSync(join(folderOf(name, module), binary)),
      run: () => build(name, module, binary),
    })),
  );
}

/** @returns the path of each tool; all of {@link toolBuilds} must be ready */
export function builtTools(): Tools {
  return binaries(false) as Tools;
}

/** @returns the path of each tool that only tests need; those of {@link toolBuilds} must be ready */
export function builtTestTools(): TestTools {
  return binaries(true) as TestTools;
}

function modulesFor(tests: boolean): [string, ToolModule][] {
  return Object.entries(toolModules).filter(([, { forTests = false }]) => forTests === tests);
}

function binaries(forTests: boolean): Record<string, string> {
  const entries = modulesFor(forTests).flatMap(([name, module]) =>
    Object.keys(module.packages).map((binary) => [binary, join(folderOf(name, module), binary)]),
  );
  return Object.fromEntries(entries) as Record<string, string>;
}

/** @throws {@link UserError} if Go is missing or too old to build the tools that are not in the cache */
export async function requireGo(): Promise<void> {
  const help =
    "Install Go 1.26 or newer: https://go.dev/doc/install. It builds the sandbox's Kubernetes, MinIO, Helm and Pulumi, once.";
  const result = await execa("go", ["env", "GOVERSION"], { reject: false });
  if (result.exitCode !== 0) {
    throw new UserError(`The command 'go' was not found.\n${help}`);
  }
  const [major = 0, minor = 0] = result.stdout.replace(/^go/, "").split(".").map(Number);
  if (major < 1 || (major === 1 && minor < 26)) {
    throw new UserError(`Go is too old: ${result.stdout.trim()}.\n${help}`);
  }
}

/** The name changes with everything that affects the binaries, so a binary in the folder is up to date. */
function folderOf(name: string, module: ToolModule): string {
  const hash = createHash("sha256").update(JSON.stringify([module, process.platform, process.arch]));
  for (const file of globSync("**/*.{mod,sum,go}", { cwd: join(modules, name) }).toSorted()) {
    hash.update(readFileSync(join(modules, name, file)));
  }
  return join(cacheFolder(), `${name}-${hash.digest("hex").slice(0, 12)}`);
}

/** Folders of builds in progress, deleted however this process ends. */
const unfinished = new Set<string>();
process.once("exit", () => {
  unfinished.forEach((folder) => {
    rmSync(folder, { recursive: true, force: true });
  });
});

async function build(name: string, module: ToolModule, binary: string): Promise<void> {
  const folder = folderOf(name, module);
  mkdirSync(folder, { recursive: true });
  const variables = Object.entries(module.linkerVariables ?? {}).map(([variable, value]) => `-X ${variable}=${value}`);
  // Built in another folder and then moved, so that an interrupted build leaves nothing that looks complete.
  const building = mkdtempSync(join(cacheFolder(), `building-${binary}-`));
  unfinished.add(building);
  try {
    const flags = [
      ...["-trimpath", "-ldflags", ["-s -w", ...variables].join(" ")],
      ...(module.tags === undefined ? [] : ["-tags", module.tags.join(",")]),
      ...(await overlay(name, module, building)),
    ];
    await go(name, ["build", ...flags, "-o", join(building, binary), module.packages[binary] ?? ""]);
    renameSync(join(building, binary), join(folder, binary));
  } catch (error) {
    const output = error instanceof ExecaError ? String(error.stderr).trim().split("\n").slice(-15).join("\n") : "";
    throw new UserError(
      `Building ${binary} failed. Its sources come from the Go module proxy (go env GOPROXY).\n${output || String(error)}`,
    );
  } finally {
    rmSync(building, { recursive: true, force: true });
    unfinished.delete(building);
  }
}

/** Flags that make the compiler find files of other modules where a package embeds them. */
async function overlay(name: string, module: ToolModule, building: string): Promise<string[]> {
  if (module.embedded === undefined) {
    return [];
  }
  const replace: Record<string, string> = {};
  for (const [file, source] of Object.entries(module.embedded)) {
    await go(name, ["mod", "download", source.module]);
    replace[join(modules, name, file)] = join(
      await go(name, ["list", "-m", "-f", "{{.Dir}}", source.module]),
      source.path,
    );
  }
  const list = join(building, "overlay.json");
  writeFileSync(list, JSON.stringify({ Replace: replace }));
  return ["-overlay", list];
}

/** Runs Go in the module of a tool, and returns what it prints. */
async function go(name: string, args: readonly string[]): Promise<string> {
  const { stdout } = await execa("go", args, {
    cwd: join(modules, name),
    env: { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly -buildvcs=false", GOWORK: "off" },
    timeout: 30 * 60_000,
    stdin: "ignore",
  });
  return stdout;
}
