import * as pulumi from "@pulumi/pulumi";

const { debug } = pulumi.log;

/**
 * Leaves the engine's answers out of debug messages, which `--debug` prints and `--event-log` stores: the SDK logs the
 * whole answer for each resource, with its secrets in plain text.
 * https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/nodejs/runtime/resource.ts
 */
export function keepSecretsOutOfDebugMessages(): void {
  const log = pulumi.log as { debug: typeof debug };
  log.debug = (message, ...others) => debug(message.replace(/, resp: .*/s, ""), ...others);
}
