import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { parseYaml } from "./parse-yaml.ts";
import { dotted, type Path } from "./settings/path.ts";

const named = z.looseObject({ name: z.string() });
const cluster = named.extend({ cluster: z.looseObject({ server: z.string(), "proxy-url": z.string().optional() }) });
const context = named.extend({ context: z.looseObject({ cluster: z.string() }) });

/** The fields of a kubeconfig that are used here; its other fields are kept. Those that are null are as good as none. */
const kubeConfig = z.object({
  "current-context": z.string().nullish(),
  clusters: z.array(cluster).nullish(),
  contexts: z.array(context).nullish(),
  users: z.array(named).nullish(),
});

/** A kubeconfig: the fields that are used here; its other fields are kept. */
export interface KubeConfigContent {
  readonly "current-context": string;
  readonly clusters: readonly z.output<typeof cluster>[];
  readonly contexts: readonly z.output<typeof context>[];
  readonly users: readonly z.output<typeof named>[];
}

/**
 * Reads a kubeconfig as Pulumi's Kubernetes provider does. Does not connect to anything.
 * Source: `parseKubeconfigString` in https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/util.go
 * @param given its text or path; undefined for the user's own, in the files that KUBECONFIG names, or in ~/.kube/config
 * @returns its content, merged from several files, with absolute paths; undefined if the user has none
 * @throws Error if the given file does not exist, or one is not a kubeconfig; it quotes nothing of a kubeconfig
 */
export function readKubeConfig(given: string | undefined): KubeConfigContent | undefined {
  if (given !== undefined) {
    return merge([isText(given) ? parseContent(given, "the text") : readGivenFile(given)]);
  }
  const named = process.env["KUBECONFIG"] ?? "";
  // Like kubectl, it ignores files that do not exist.
  const files = (named === "" ? [join(homedir(), ".kube", "config")] : named.split(delimiter)).filter(existsSync);
  return files.length === 0 ? undefined : merge(files.map(readFile));
}

function isText(given: string): boolean {
  return given.includes("\n") || given.trimStart().startsWith("{");
}

function readGivenFile(given: string): z.output<typeof kubeConfig> {
  const path = given.replace(/^~(?=\/)/, homedir());
  if (!existsSync(path)) {
    // What does not look like a path may be the text in base64.
    throw new Error(
      `no such file${/^[~.]{0,2}\//.test(given) ? `: ${path}` : "; as text, it would have several lines"}`,
    );
  }
  return readFile(path);
}

/** Keys with a path that is relative to the kubeconfig's folder. */
const pathKeys = ["certificate-authority", "client-certificate", "client-key", "tokenFile"];

function readFile(path: string): z.output<typeof kubeConfig> {
  return parseContent(readFileSync(path, "utf8"), path, (key, value) =>
    pathKeys.includes(String(key)) && typeof value === "string" ? resolve(dirname(path), value) : value,
  );
}

function parseContent(text: string, subject: string, reviver?: Parameters<typeof parseYaml>[2]) {
  const { data, error } = kubeConfig.safeParse(parseYaml(text, subject, reviver) ?? {});
  if (data === undefined) {
    const [issue] = error.issues;
    throw new Error(`${subject} is not a kubeconfig: see ${dotted((issue?.path ?? []) as Path) || "its first line"}`);
  }
  return data;
}

/** If several files have an entry of the same name, the first wins: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files */
function merge(files: readonly z.output<typeof kubeConfig>[]): KubeConfigContent {
  const first = <Item extends { readonly name: string }>(items: readonly Item[]) =>
    items.filter((item, index) => items.findIndex(({ name }) => name === item.name) === index);
  return {
    "current-context": files.map((file) => file["current-context"]).find(Boolean) ?? "",
    clusters: first(files.flatMap(({ clusters }) => clusters ?? [])),
    contexts: first(files.flatMap(({ contexts }) => contexts ?? [])),
    users: first(files.flatMap(({ users }) => users ?? [])),
  };
}
