import { existsSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { satisfies } from "semver";
import { isExecutable, onPath } from "../tools/on-path.ts";
import type { Tool, Tools } from "../tools/pinned-tools.ts";
import { repository } from "../tools/repository.ts";
import type { SandboxFolder } from "./sandbox-folder.ts";

/** A plugin of the Pulumi engine that the program needs. */
interface Plugin {
  readonly kind: "resource" | "language";
  readonly name: string;
  /** The npm package whose version the engine requires. */
  readonly package: string;
  /** The tool that is built as this plugin from its published source; plugins without one have stand-ins. */
  readonly tool?: Tool;
}

const plugins: readonly Plugin[] = [
  { kind: "language", name: "nodejs", package: "@pulumi/pulumi" },
  { kind: "resource", name: "kubernetes", package: "@pulumi/kubernetes", tool: "pulumi-resource-kubernetes" },
  { kind: "resource", name: "minio", package: "@pulumi/minio" },
  { kind: "resource", name: "random", package: "@pulumi/random" },
  { kind: "resource", name: "gitlab", package: "@pulumi/gitlab" },
];

/**
 * Fills a private PULUMI_HOME with the plugins that the program needs: the published ones that this machine has on PATH or
 * in its plugin cache; otherwise the sandbox's own, which are built from the published source or are stand-ins.
 * @param tools paths of the tools, with the machine's own instead of built ones, as {@link ownTools} finds them
 * @returns for each plugin the path of the machine's own, `built`, or `stand-in`
 */
export function installPlugins(folder: SandboxFolder, tools: Tools): Record<string, string> {
  return Object.fromEntries(
    plugins.map((plugin) => {
      const version = packageVersion(plugin.package);
      const binary = binaryOf(plugin);
      const target = folder.folder("pulumi", "plugins", `${plugin.kind}-${plugin.name}-v${version}`);
      const own = ownPlugin(plugin, tools.pulumi);
      const real = own ?? (plugin.tool && tools[plugin.tool]);
      if (real === undefined) {
        const source = plugin.kind === "language" ? `language-${plugin.name}` : plugin.name;
        writeFileSync(join(target, binary), standIn(join(import.meta.dirname, "plugins", `${source}.ts`)), {
          mode: 0o755,
        });
        return [plugin.name, "stand-in"];
      }
      // The engine ignores links to folders, so the folder is new and the files in it are links.
      const files = real.startsWith(pluginCache()) ? readdirSync(dirname(real)) : [binary];
      for (const file of files) {
        symlinkSync(join(dirname(real), file), join(target, file));
      }
      return [plugin.name, own ?? "built"];
    }),
  );
}

/** @returns the tools that this machine already has: Pulumi on PATH, and plugins that the sandbox would otherwise build */
export function ownTools(): Partial<Tools> {
  const pulumi = onPath("pulumi");
  const own: Partial<Record<Tool, string>> = pulumi === undefined ? {} : { pulumi };
  for (const plugin of plugins) {
    const path = ownPlugin(plugin, pulumi);
    if (plugin.tool !== undefined && path !== undefined) {
      own[plugin.tool] = path;
    }
  }
  return own;
}

/** @returns the published plugins, as arguments of `pulumi plugin install`; a language host comes with Pulumi itself */
export function publishedPlugins(): string[][] {
  return plugins
    .filter(({ kind }) => kind === "resource")
    .map((plugin) => [plugin.kind, plugin.name, packageVersion(plugin.package)]);
}

/** @returns the path of a plugin that this machine has, if any */
function ownPlugin(plugin: Plugin, pulumi: string | undefined): string | undefined {
  return onPath(binaryOf(plugin)) ?? besidePulumi(plugin, pulumi) ?? inPluginCache(plugin);
}

function binaryOf({ kind, name }: Plugin): string {
  return `pulumi-${kind}-${name}`;
}

/** The Node.js that runs this sandbox, which is new enough for the program. */
function standIn(script: string): string {
  return `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`;
}

function packageVersion(name: string): string {
  const manifest = JSON.parse(readFileSync(join(repository, "node_modules", name, "package.json"), "utf8")) as {
    version: string;
  };
  return manifest.version;
}

/** A Pulumi installation has its language hosts in the engine's folder. */
function besidePulumi(plugin: Plugin, pulumi: string | undefined): string | undefined {
  if (plugin.kind !== "language" || pulumi === undefined) {
    return undefined;
  }
  const path = join(dirname(realpathSync(pulumi)), binaryOf(plugin));
  return isExecutable(path) ? path : undefined;
}

function pluginCache(): string {
  return join(process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), "plugins");
}

/** Path of the plugin in the machine's cache: in the version that the program needs, or a later one with the same major version. */
function inPluginCache(plugin: Plugin): string | undefined {
  const prefix = `${plugin.kind}-${plugin.name}-v`;
  const version = packageVersion(plugin.package);
  if (!existsSync(pluginCache())) {
    return undefined;
  }
  return readdirSync(pluginCache())
    .filter((name) => name.startsWith(prefix) && satisfies(name.slice(prefix.length), `^${version}`))
    .map((name) => join(pluginCache(), name, binaryOf(plugin)))
    .find((path) => isExecutable(path));
}
