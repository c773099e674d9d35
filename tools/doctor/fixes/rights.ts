import type { ExpectedStack } from "../expected-stack.ts";
import type { GitLabApi } from "../../clients/gitlab.ts";
import type { KubernetesApi } from "../../clients/kubernetes.ts";
import { describeError } from "../../clients/describe-error.ts";

/** Minimum permissions that Pulumi and Helm need in a namespace. */
const needed = [
  { group: "", resource: "secrets", verb: "create" },
  { group: "", resource: "secrets", verb: "delete" },
  { group: "apps", resource: "deployments", verb: "patch" },
] as const;

/**
 * Missing permissions: a fix that stops halfway because of a missing permission is worse than none.
 * @returns one line each; empty if nothing is known to be missing
 */
export async function missingRights(
  { gitlab, kubernetes }: { readonly gitlab: GitLabApi; readonly kubernetes: () => KubernetesApi },
  { namespace, runner }: ExpectedStack,
): Promise<string[]> {
  return [...(runner === undefined ? [] : await ofGitLab(gitlab)), ...(await ofKubernetes(kubernetes, namespace))];
}

async function ofGitLab(gitlab: GitLabApi): Promise<string[]> {
  if (!gitlab.hasToken) {
    return ["Neither gitlab:token nor GITLAB_TOKEN is set."];
  }
  try {
    const scopes = await gitlab.ownScopes();
    return scopes === undefined || scopes.includes("api")
      ? []
      : [`GitLab's access token has the scopes ${scopes.join(", ")}; it needs api.`];
  } catch (error) {
    return [`GitLab at ${gitlab.baseUrl}: ${describeError(error)}`];
  }
}

async function ofKubernetes(kubernetes: () => KubernetesApi, namespace: string): Promise<string[]> {
  try {
    const cluster = kubernetes();
    const allowed = await Promise.all(needed.map((right) => cluster.mayI(namespace, right)));
    const refused = needed.filter((_, index) => allowed[index] !== true);
    return refused.length === 0
      ? []
      : [
          `In namespace ${namespace}, you may not ${refused.map(({ verb, resource }) => `${verb} ${resource}`).join(", ")}.`,
        ];
  } catch (error) {
    return [`Kubernetes: ${describeError(error)}`];
  }
}
