import { resourceTypes, resourcesOf, type ExportedState } from "../stack-state.ts";
import type { Fix } from "./fix.ts";
import { upArguments } from "./put-back.ts";

/** What {@link renew} replaces: the runner with its token, or the user with the cache's keys. */
export type Credential = "runner" | "cache keys";

const titles: Readonly<Record<Credential, string>> = {
  runner: "Replace the runner in GitLab with one that has a new token, and give that token to the manager.",
  "cache keys": "Replace the cache's user in MinIO with one that has new keys, and give those keys to the manager.",
};

const types: Readonly<Record<Credential, readonly string[]>> = {
  runner: [resourceTypes.runner],
  "cache keys": [resourceTypes.accessKey, resourceTypes.secretKey],
};

/**
 * Like a new `rotation`, but for one of the credentials and without changing the configuration.
 * @returns undefined if the stack did not create the credential
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
