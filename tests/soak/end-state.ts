import { isDeepStrictEqual } from "node:util";
import { ownProject } from "../../sandbox/gitlab-seed.ts";
import type { ProxiedSandbox } from "./proxied-sandbox.ts";

/** What there is of the stack, by kind. */
export type Inventory = Readonly<Record<string, readonly string[]>>;

const namespace = "gitlab-runner";
const bucket = "minio/gitlab-runner-cache";

/** The runners in GitLab that are the stack's, by their description. */
export async function runners({ gitlab }: ProxiedSandbox): Promise<number[]> {
  const all = await gitlab.Runners.all({ projectId: ownProject.id });
  return all.filter(({ description }) => description === "k8s-homelab-runner").map(({ id }) => id);
}

/** @returns all that a stack can leave behind, asked from the servers themselves */
export async function inventory(sandbox: ProxiedSandbox): Promise<Inventory> {
  const lines = async (...command: readonly string[]) =>
    (await sandbox.must(...command)).split("\n").filter((line) => line !== "");
  const kubectl = (...args: readonly string[]) =>
    lines("kubectl", "--namespace", namespace, "get", ...args, "--ignore-not-found", "--output", "name");
  const [ids, users, policies, buckets, namespaces, secrets, releases] = await Promise.all([
    runners(sandbox),
    lines("mc", "admin", "user", "list", "minio"),
    lines("mc", "admin", "policy", "list", "minio"),
    lines("mc", "ls", "minio"),
    kubectl("namespace", namespace),
    kubectl("secrets", "--field-selector", "type=Opaque"),
    lines("helm", "list", "--all", "--namespace", namespace, "--output", "json"),
  ]);
  const rules = buckets.length === 0 ? "[]" : await sandbox.run("mc", "ilm", "rule", "export", bucket);
  return {
    runners: ids.map(String),
    // Without the keys in them.
    users: users.map(() => "a user"),
    policies: policies.filter((name) => name.startsWith("gitlab-runner")).map(() => "a policy"),
    buckets: buckets.map((line) => line.split(/\s+/).at(-1) ?? ""),
    rules:
      typeof rules === "string" || rules.exitCode !== 0 ? [] : (rules.all.match(/"ID"/g) ?? []).map(() => "a rule"),
    namespaces,
    secrets: secrets.map((name) => name.replace(/-[0-9a-f]{8}$/, "")).toSorted(),
    releases: (JSON.parse(releases.join("")) as { name: string; status: string }[]).map(
      ({ name, status }) => `${name} ${status}`,
    ),
  };
}

/** What a stack that is deployed to its end consists of; the runner's id is its own. */
export function deployed(runnerId: string): Inventory {
  return {
    runners: [runnerId],
    users: ["a user"],
    policies: ["a policy"],
    buckets: ["gitlab-runner-cache/"],
    rules: ["a rule"],
    namespaces: [`namespace/${namespace}`],
    secrets: ["secret/gitlab-runner-credentials-cache", "secret/gitlab-runner-credentials-token"],
    releases: ["gitlab-runner deployed"],
  };
}

/** What there is when nothing is. */
export const nothing: Inventory = Object.fromEntries(Object.keys(deployed("")).map((kind) => [kind, []]));

/** @returns what differs, one line for each kind of thing */
export function differences(found: Inventory, expected: Inventory): string[] {
  return Object.keys(expected)
    .filter((kind) => !isDeepStrictEqual(found[kind], expected[kind]))
    .map((kind) => `${kind}: ${found[kind]?.join(", ") || "none"} instead of ${expected[kind]?.join(", ") || "none"}`);
}
