import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa, ExecaError } from "execa";
import {
  folderOf,
  moduleFolder,
  modulesFor,
  type TestTool,
  type Tool,
  type ToolModule,
} from "../tools/pinned-tools.ts";
import { cacheFolder } from "../tools/tool-cache.ts";
import { UserError } from "../tools/user-error.ts";

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
    replace[join(moduleFolder, name, file)] = join(
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
    cwd: join(moduleFolder, name),
    env: { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly -buildvcs=false", GOWORK: "off" },
    timeout: 30 * 60_000,
    stdin: "ignore",
  });
  return stdout;
}
