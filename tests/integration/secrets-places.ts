import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { SandboxUnderTest } from "./sandbox-under-test.ts";

/** Where a secret may turn up: a name, and all the text that is there. */
export type Places = Readonly<Record<string, string>>;

interface KubernetesObject {
  readonly kind: string;
  readonly type?: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

/** @returns the text of all files in a folder and the folders in it */
export function filesIn(folder: string): string {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
    .map((bytes) => (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString())
    .join("\n");
}

/** All that the cluster's API has, but for the Secrets that are named: they are where the secrets belong. */
export async function clusterPlaces(sandbox: SandboxUnderTest, rightful: ReadonlySet<string>): Promise<Places> {
  const listed = await sandbox.exec("kubectl", "api-resources", "--verbs", "list", "--output", "name");
  const kinds = listed.split("\n").filter(Boolean).join(",");
  const { items } = await sandbox.kubectl<{ items: KubernetesObject[] }>(
    ...["get", kinds, "--all-namespaces", "--show-managed-fields"],
  );
  const others = items.filter(({ kind, metadata }) => kind !== "Secret" || !rightful.has(metadata.name));
  const places = Map.groupBy(others, ({ kind, type }) =>
    kind === "ConfigMap"
      ? "ConfigMaps"
      : kind === "Pod"
        ? "pods"
        : type === "helm.sh/release.v1"
          ? "Helm's Secret, unzipped"
          : "all other objects of the API server",
  );
  return Object.fromEntries(Array.from(places, ([place, objects]) => [place, objects.map(textOf).join("\n")]));
}

/** The object as the API server gives it; of a Secret also what is in it. */
function textOf(object: KubernetesObject): string {
  const decoded = Object.values(object.kind === "Secret" ? (object.data ?? {}) : {}).map((value) => {
    const text = Buffer.from(value, "base64").toString();
    // Helm's: JSON, zipped, as base64. https://helm.sh/docs/topics/advanced/#storage-backends
    return object.type === "helm.sh/release.v1" ? gunzipSync(Buffer.from(text, "base64")).toString() : text;
  });
  return [JSON.stringify(object), ...decoded].join("\n");
}
