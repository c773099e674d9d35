import { join, relative, resolve } from "node:path";
import { parseAllDocuments, type DocumentOptions, type ParseOptions, type SchemaOptions } from "yaml";
import { onPath } from "./on-path.ts";
import { builtTool } from "./pinned-tools.ts";
import { repository } from "./repository.ts";
import { runCommand } from "./run-command.ts";
import { UserError } from "./user-error.ts";

/** The inputs of a `kubernetes.helm.v3.Release` that decide what Helm renders. */
export interface HelmRelease {
  readonly name: string;
  readonly namespace: string;
  /** Name of the chart in its repository, or path of its folder or .tgz. */
  readonly chart: string;
  readonly version?: string;
  readonly repositoryOpts?: { readonly repo: string };
  readonly values: Readonly<Record<string, unknown>>;
}

/** An object of Kubernetes. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [key: string]: unknown;
}

/** What Helm has made of a release. */
export interface RenderedRelease {
  readonly objects: readonly KubernetesObject[];
  /** The chart that was rendered: its path, or its repository and version. */
  readonly chart: string;
  /** Whether it is the sandbox's, in place of GitLab's own. */
  readonly isStandIn: boolean;
  /** What Helm says of the repository that it could not reach; undefined where it rendered what was asked for. */
  readonly unreachable: string | undefined;
}

/** What a reader of anything rendered from {@link standInChart} should know. */
export const standInNote =
  "The chart is the sandbox's stand-in for GitLab's own, which takes the same values; details may differ.";

/** The sandbox's own chart. */
export const standInChart = join(repository, "sandbox", "chart", "gitlab-runner");

/** Kubernetes reads YAML 1.1, in which `no` is false: texts like it are quoted, and those of charts read that way. */
export const kubernetesYaml: ParseOptions & DocumentOptions & SchemaOptions = {
  version: "1.1",
  // Of 1.1, Kubernetes leaves out times, as numbers to base 60 and as dates.
  customTags: (tags) =>
    tags.filter((tag) => typeof tag === "string" || (tag.format !== "TIME" && !tag.tag.endsWith(":timestamp"))),
};

/**
 * What a cluster with Prometheus' operator has, and Helm without a cluster does not know. GitLab's chart makes the monitor
 * that its values ask for only where the first is there.
 * Source: https://gitlab.com/gitlab-org/charts/gitlab-runner/-/blob/v0.86.0/templates/podmonitor.yaml
 */
const operatorApis = ["", "/PodMonitor", "/ServiceMonitor"].map((kind) => `monitoring.coreos.com/v1${kind}`);

/** How long Helm may take, with the download of a chart. */
const timeout = 120_000;

/**
 * Renders a release with the real `helm template`: the chart it names, or, where its repository cannot be reached, the
 * sandbox's own. The cluster is not asked for anything.
 * @throws UserError when there is no Helm, or Helm cannot render the chart
 */
export async function helmTemplate(release: HelmRelease): Promise<RenderedRelease> {
  const repository = release.repositoryOpts?.repo;
  if (repository === undefined) {
    return fromPath(release, resolve(release.chart));
  }
  const { version = "" } = release;
  const result = await template(release, [release.chart, "--repo", repository, "--version", version]);
  if (typeof result !== "string") {
    const chart = `${release.chart} ${version} of ${repository}`;
    return { objects: result, chart, isStandIn: false, unreachable: undefined };
  }
  if (!/cannot be reached|^Error: Get "|timed out/m.test(result)) {
    throw new UserError(`Helm cannot render ${release.chart} ${version} of ${repository}:\n${result}`);
  }
  return { ...(await fromPath(release, standInChart)), unreachable: result };
}

async function fromPath(release: HelmRelease, path: string): Promise<RenderedRelease> {
  const result = await template(release, [path]);
  const inside = relative(repository, path);
  const chart = inside.startsWith("..") ? path : inside;
  if (typeof result === "string") {
    throw new UserError(`Helm cannot render the chart ${chart}:\n${result}`);
  }
  return { objects: result, chart, isStandIn: path === standInChart, unreachable: undefined };
}

/** JSON in which Helm, which reads YAML, finds no control characters: YAML allows them as escapes only. */
function asciiControls(json: string): string {
  return json.replaceAll(
    /[\x7f-\x9f\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** @returns the objects, or what Helm says is wrong */
async function template(release: HelmRelease, chart: readonly string[]): Promise<KubernetesObject[] | string> {
  const { stdout, stderr, exitCode, timedOut } = await runCommand(
    helm(),
    [
      ...["template", release.name, ...chart, "--namespace", release.namespace, "--include-crds"],
      ...operatorApis.flatMap((api) => ["--api-versions", api]),
      ...["--values", "-"],
    ],
    // Not as arguments, which every user of the machine can read.
    { input: asciiControls(JSON.stringify(release.values)), timeout },
  );
  if (timedOut) {
    return `timed out after ${timeout / 1000} s`;
  }
  return exitCode === 0
    ? parseAllDocuments(stdout, kubernetesYaml)
        .map((document) => document.toJS() as KubernetesObject | null)
        .filter((object) => object !== null)
        .map((object) => inNamespace(object, release.namespace))
    : stderr.trim();
}

function helm(): string {
  const found = onPath("helm") ?? builtTool("helm");
  if (found === undefined) {
    throw new UserError(
      "Helm, which renders the chart, was not found. Install it, https://helm.sh/docs/intro/install/, or build the sandbox's:\n" +
        "  npm run sandbox -- tools",
    );
  }
  return found;
}

/** Kinds of Kubernetes' own that no namespace holds; see `kubectl api-resources --namespaced=false`. */
const clusterWide =
  /^(APIService|CertificateSigningRequest|Cluster\w+|CSI(Driver|Node)|CustomResourceDefinition|FlowSchema|IngressClass|(Mutating|Validating)\w+|Namespace|Node|PersistentVolume|PriorityClass|PriorityLevelConfiguration|RuntimeClass|StorageClass|VolumeAttachment)$/;

/** Helm puts an object that names no namespace into that of the release, `kubectl` into another. */
function inNamespace(object: KubernetesObject, namespace: string): KubernetesObject {
  const { metadata, kind } = object;
  return clusterWide.test(kind) || metadata.namespace !== undefined
    ? object
    : { ...object, metadata: { ...metadata, namespace } };
}
