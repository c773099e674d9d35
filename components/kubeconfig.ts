import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { parse } from "yaml";

interface Named {
  readonly name: string;
}

interface Cluster extends Named {
  readonly cluster: { readonly server: string; readonly "proxy-url"?: string };
}

interface Context extends Named {
  readonly context: { readonly cluster: string };
}

/** A kubeconfig: the fields that are used here; its other fields are kept. */
export interface KubeConfigContent {
  readonly "current-context": string;
  readonly clusters: readonly Cluster[];
  readonly contexts: readonly Context[];
  readonly users: readonly Named[];
}

/**
 * Reads a kubeconfig as Pulumi's Kubernetes provider does. Does not connect to anything.
 * Source: `parseKubeconfigString` in https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/util.go
 * @param given its text or path; undefined for the user's own, in the files that KUBECONFIG names, or in ~/.kube/config
 * @returns its content, merged from several files, with absolute paths; undefined if the user has none
 * @throws Error if the given file does not exist, or a file is not YAML
 */
export function readKubeConfig(given: string | undefined): KubeConfigContent | undefined {
  if (given !== undefined) {
    return merge([isText(given) ? parse(given) : readFile(given)]);
  }
  const named = process.env["KUBECONFIG"] ?? "";
  // Like kubectl, it ignores files that do not exist.
  const files = (named === "" ? [join(homedir(), ".kube", "config")] : named.split(delimiter)).filter(existsSync);
  return files.length === 0 ? undefined : merge(files.map(readFile));
}

function isText(given: string): boolean {
  return given.includes("\n") || given.trimStart().startsWith("{");
}

/** Keys with a path that is relative to the kubeconfig's folder. */
const pathKeys = ["certificate-authority", "client-certificate", "client-key", "tokenFile"];

function readFile(given: string): unknown {
  const path = given.replace(/^~(?=\/)/, homedir());
  return parse(readFileSync(path, "utf8"), (key, value: unknown) =>
    pathKeys.includes(String(key)) && typeof value === "string" ? resolve(dirname(path), value) : value,
  );
}

/** If several files have an entry of the same name, the first wins: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files */
function merge(contents: readonly unknown[]): KubeConfigContent {
  const files = contents.map((content) => (content ?? {}) as Partial<KubeConfigContent>);
  const first = <Item extends Named>(items: readonly Item[]) =>
    items.filter((item, index) => items.findIndex(({ name }) => name === item.name) === index);
  return {
    "current-context": files.map((file) => file["current-context"]).find(Boolean) ?? "",
    clusters: first(files.flatMap(({ clusters }) => clusters ?? [])),
    contexts: first(files.flatMap(({ contexts }) => contexts ?? [])),
    users: first(files.flatMap(({ users }) => users ?? [])),
  };
}
