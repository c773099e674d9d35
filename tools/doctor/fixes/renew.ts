import { resourceTypes, resourcesOf, type ExportedState } from "../stack-state.ts";
import type { Fix } from "./fix.ts";
import { upArguments } from "./put-back.ts";

/** What {@link renew} replaces: the runner, and its token with it, or the user that the cache's keys belong to. */
export type Credential = "runner" | "cache keys";

const titles: Readonly<Record<Credential, string>> = {
  runner: "Replace the runner in GitLab by one with a new token, and hand that to the manager.",
  "cache keys": "Replace the cache's user in MinIO by one with new keys, and hand those to the manager.",
};

const types: Readonly<Record<Credential, readonly string[]>> = {
  runner: [resourceTypes.runner],
  "cache keys": [resourceTypes.accessKey, resourceTypes.secretKey],
};

/**
 * Does what a new `rotation` does, for one of the credentials and without a change of the configuration.
 * @returns undefined where the stack has not made the credential
 */
export function renew(stack: string, state: ExportedState | undefined, credential: Credential): Fix | undefined {
  const urns = state === undefined ? [] : types[credential].flatMap((type) => resourcesOf(state, type));
  if (urns.length === 0) {
    return undefined;
  }
  const replace = urns.flatMap(({ urn }) => ["--replace", urn]);
  return {
    id: `renew ${credential}`,
    stage: "deploy",
    title: titles[credential],
    commands: [`pulumi up --refresh ${urns.map(({ urn }) => `--replace '${urn}'`).join(" ")} --stack ${stack}`],
    certain: true,
    lastResort: true,
    run: ({ commands }) => commands.pulumi([...upArguments, ...replace]),
  };
}
