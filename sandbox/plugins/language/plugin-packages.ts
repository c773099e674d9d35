import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A resource plugin that an installed npm package needs. */
export interface PluginPackage {
  /** Name, such as `kubernetes`. */
  readonly name: string;
  /** Version, such as `v4.32.0`. */
  readonly version: string;
  /** URL to download the plugin from; empty for the default. */
  readonly server: string;
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly pulumi?: {
    readonly resource?: boolean;
    readonly name?: string;
    readonly version?: string;
    readonly server?: string;
  };
}

/** @returns the plugins that the packages in the `node_modules` of a program, or of a folder above it, declare */
export function findPluginPackages(programDirectory: string): PluginPackage[] {
  let folder = programDirectory;
  while (!existsSync(join(folder, "node_modules")) && dirname(folder) !== folder) {
    folder = dirname(folder);
  }
  const found = new Map<string, PluginPackage>();
  for (const plugin of pluginsIn(join(folder, "node_modules"))) {
    found.set(`${plugin.name}@${plugin.version}`, plugin);
  }
  return [...found.values()];
}

function pluginsIn(nodeModules: string): PluginPackage[] {
  return packageFolders(nodeModules).flatMap((folder) => [
    ...pluginOf(join(folder, "package.json")),
    ...pluginsIn(join(folder, "node_modules")),
  ]);
}

function packageFolders(nodeModules: string): string[] {
  return entries(nodeModules).flatMap((name) =>
    name.startsWith("@")
      ? entries(join(nodeModules, name)).map((scoped) => join(nodeModules, name, scoped))
      : [join(nodeModules, name)],
  );
}

function entries(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith(".")) : [];
}

function pluginOf(file: string): PluginPackage[] {
  let manifest: Manifest;
  try {
    manifest = JSON.parse(readFileSync(file, "utf8")) as Manifest;
  } catch {
    // Folders without a readable package.json are not packages.
    return [];
  }
  if (manifest.pulumi?.resource !== true) {
    return [];
  }
  const name = manifest.pulumi.name ?? manifest.name?.replace(/^@pulumi\//, "").replace(/^@/, "") ?? "";
  const version = manifest.pulumi.version ?? manifest.version ?? "";
  return [{ name, version: `v${version.replace(/^v/, "")}`, server: manifest.pulumi.server ?? "" }];
}
