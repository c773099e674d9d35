import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { satisfies } from "semver";
import type { SandboxFolder } from "./state.ts";

/** The checkout that this sandbox belongs to. */
export const repository = join(import.meta.dirname, "..");

/** A plugin of the Pulumi engine that the program needs. */
interface Plugin {
  readonly kind: "resource" | "language";
  readonly name: string;
  /** The package whose version the engine asks for. */
  readonly package: string;
}

const plugins: readonly Plugin[] = [
  { kind: "language", name: "nodejs", package: "@pulumi/pulumi" },
  { kind: "resource", name: "kubernetes", package: "@pulumi/kubernetes" },
  { kind: "resource", name: "minio", package: "@pulumi/minio" },
  { kind: "resource", name: "random", package: "@pulumi/random" },
  { kind: "resource", name: "gitlab", package: "@pulumi/gitlab" },
];

/**
 * Fills a private PULUMI_HOME with the plugins that the program needs: the real ones that this machine has, on PATH or in
 * its plugin cache, and for each of the others the sandbox's stand-in.
 * @returns for each plugin the path of the real one, or `stand-in`
 */
export function installPlugins(folder: SandboxFolder, pulumi: string): Record<string, string> {
  return Object.fromEntries(
    plugins.map((plugin) => {
      const version = packageVersion(plugin.package);
      const binary = `pulumi-${plugin.kind}-${plugin.name}`;
      const target = folder.folder("pulumi", "plugins", `${plugin.kind}-${plugin.name}-v${version}`);
      const real = onPath(binary) ?? besidePulumi(binary, plugin, pulumi) ?? inPluginCache(binary, plugin, version);
      if (real === undefined) {
        const source = plugin.kind === "language" ? `language-${plugin.name}` : plugin.name;
        writeFileSync(join(target, binary), standIn(join(import.meta.dirname, "plugins", `${source}.ts`)), {
          mode: 0o755,
        });
        return [plugin.name, "stand-in"];
      }
      // The engine looks into folders only, so the folder is new and the files in it are links.
      const files = real.startsWith(pluginCache()) ? readdirSync(dirname(real)) : [binary];
      for (const file of files) {
        symlinkSync(join(dirname(real), file), join(target, file));
      }
      return [plugin.name, real];
    }),
  );
}

/** The node that runs this sandbox, which is new enough for the program. */
function standIn(script: string): string {
  return `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`;
}

function packageVersion(name: string): string {
  const manifest = JSON.parse(readFileSync(join(repository, "node_modules", name, "package.json"), "utf8")) as {
    version: string;
  };
  return manifest.version;
}

/** @returns the path of a program that the user has, if any */
export function onPath(program: string): string | undefined {
  const ours = join(repository, "node_modules");
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "" && !folder.startsWith(ours))
    .map((folder) => join(folder, program))
    .find((path) => isExecutable(path));
}

/** A Pulumi installation carries its language hosts beside the engine. */
function besidePulumi(binary: string, plugin: Plugin, pulumi: string): string | undefined {
  const path = join(dirname(realpathSync(pulumi)), binary);
  return plugin.kind === "language" && isExecutable(path) ? path : undefined;
}

function pluginCache(): string {
  return join(process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), "plugins");
}

/** The version that the program wants, or a later one of the same major version. */
function inPluginCache(binary: string, plugin: Plugin, version: string): string | undefined {
  const prefix = `${plugin.kind}-${plugin.name}-v`;
  if (!existsSync(pluginCache())) {
    return undefined;
  }
  return readdirSync(pluginCache())
    .filter((name) => name.startsWith(prefix) && satisfies(name.slice(prefix.length), `^${version}`))
    .map((name) => join(pluginCache(), name, binary))
    .find((path) => isExecutable(path));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
