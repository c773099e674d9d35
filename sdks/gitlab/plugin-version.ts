import type { CustomResourceOptions } from "@pulumi/pulumi";
import manifest from "./package.json" with { type: "json" };

/** Resource options that ask the engine for the plugin version this package was made for, unless the caller names one. */
export function withPluginVersion(opts: CustomResourceOptions | undefined): CustomResourceOptions {
  return { version: manifest.pulumi.version, ...opts };
}
