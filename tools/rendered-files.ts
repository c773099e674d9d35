import { stringify } from "yaml";
import {
  kubernetesYaml,
  standInNote,
  type HelmRelease,
  type KubernetesObject,
  type RenderedRelease,
} from "./helm-template.ts";
import { mapLeaves, maskSecret, type RegisteredResource } from "./registered-resources.ts";
import { UserError } from "./user-error.ts";

/** What the files are made of. */
export interface Rendered {
  /** Path of the stack's file. */
  readonly stackFile: string;
  /** All that the program registers. */
  readonly resources: readonly RegisteredResource[];
  /** The one Helm release among them. */
  readonly release: HelmRelease;
  /** What Helm has made of it. */
  readonly rendered: RenderedRelease;
}

/** Type of the Helm release. */
export const releaseType = "kubernetes:helm.sh/v3:Release";

/** Name of the file that lists all the others. */
export const listFile = "rendered.yaml";

/** First line of {@link listFile}, by which a folder shows that it may be replaced. */
export const listHeader = "Written by `npm run render`, which replaces the files listed here, and no others.";

const policyFile = "cache-policy.json";

type File = readonly [path: string, text: string];

/**
 * @returns the files that show what a stack applies: texts by path, sorted
 * @throws UserError when the chart is not GitLab's, or makes two objects of one name
 */
export function renderedFiles({ stackFile, resources, release, rendered }: Rendered): Map<string, string> {
  const ofKubernetes = resources.filter(({ type }) => type.startsWith("kubernetes:") && type !== releaseType);
  const standIn = rendered.isStandIn ? [standInNote] : [];
  const ofRelease = [`Made by the Helm release ${release.name} from helm-values.yaml.`, ...standIn];
  const files: File[] = [
    ...ofKubernetes.map(({ name, inputs }) =>
      kubernetesFile(inputs as KubernetesObject, [`Made by Pulumi's resource ${name}.`]),
    ),
    ...rendered.objects.map((object) => kubernetesFile(object, ofRelease)),
    ["helm-values.yaml", yaml(release.values, [`Values of the Helm release ${release.name}.`, ...standIn])],
    ["config.toml", runnerConfig(rendered.objects, standIn)],
    ...providerFiles(resources.filter(({ type }) => !type.startsWith("kubernetes:"))),
    ...resources.filter(isPolicy).map(({ inputs }): File => [policyFile, json(String(inputs["policy"]))]),
  ];
  const paths = files.map(([path]) => path).toSorted();
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice !== undefined) {
    throw new UserError(`The stack creates two objects that would both be ${twice}.`);
  }
  const list = {
    stack: stackFile,
    chart: `${rendered.chart}${rendered.isStandIn ? ", the sandbox's stand-in for GitLab's own" : ""}`,
    files: paths,
  };
  const legend = [
    listHeader,
    "[secret] is encrypted in the stack's file, or generated as a secret; [known after apply] is not known before;",
    "xxxxxxxx in a name are digits that Pulumi adds.",
  ];
  return new Map([...files, [listFile, yaml(list, legend)] as const].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** One object as `kubectl` takes it; no value of a Secret is shown, whatever it holds. */
function kubernetesFile({ apiVersion, kind, metadata, ...rest }: KubernetesObject, comment: readonly string[]): File {
  const { data, stringData, ...others } = rest;
  const shown =
    kind === "Secret"
      ? // As text, since masks are no base64.
        { ...others, stringData: mapLeaves({ ...(data as object | undefined), ...(stringData as object) }, maskSecret) }
      : rest;
  const folder = metadata.namespace === undefined ? "" : `${metadata.namespace}/`;
  const text = yaml({ apiVersion, kind, metadata, ...shown }, comment);
  return [`kubernetes/${folder}${kind.toLowerCase()}-${metadata.name}.yaml`, text];
}

/** The runner's configuration, in the two parts that its ConfigMap has. */
function runnerConfig(objects: readonly KubernetesObject[], standIn: readonly string[]): string {
  const data = objects.map((object) => object["data"] as Record<string, string> | undefined);
  const parts = data.find((entries) => entries?.["config.template.toml"] !== undefined);
  if (parts === undefined) {
    throw new UserError(
      "The chart creates no ConfigMap with a config.template.toml, so it is not GitLab's gitlab-runner chart.",
    );
  }
  const { "config.toml": manager = "", "config.template.toml": runner = "" } = parts;
  return [
    ...comments([
      "The runner's configuration as its ConfigMap has it, in two parts. When the manager starts, it adds GitLab's address",
      "and the credentials from the mounted Secrets to the second, and joins both.",
      ...standIn,
    ]),
    ...["", "# config.toml", manager.trim(), "", "# config.template.toml", runner.trim(), ""],
  ].join("\n");
}

/** For each provider, what it is asked for: inputs by type and name. */
function providerFiles(resources: readonly RegisteredResource[]): File[] {
  const titles: Readonly<Record<string, string>> = {
    gitlab: "What the stack creates in GitLab.",
    minio: "What the stack creates in MinIO, with the keys that it generates for it.",
  };
  const files = Map.groupBy(resources, ({ type }) => type.split(":")[0]?.replace("random", "minio") ?? "");
  return Array.from(files, ([provider, ofProvider]): File => {
    const types = Map.groupBy(ofProvider, ({ type, id }) =>
      [type.split(":").at(-1), ...(id === undefined ? [] : ["already exists"])].join(", "),
    );
    const content = Object.fromEntries(
      Array.from(types, ([type, ofType]) => [
        type,
        Object.fromEntries(ofType.map((resource) => [resource.name, inputsOf(resource)])),
      ]),
    );
    return [`${provider}.yaml`, yaml(content, [titles[provider] ?? `What the stack creates with ${provider}.`])];
  });
}

function inputsOf(resource: RegisteredResource): Readonly<Record<string, unknown>> {
  const { id, inputs } = resource;
  return id !== undefined ? { id } : isPolicy(resource) ? { ...inputs, policy: `see ${policyFile}` } : inputs;
}

function isPolicy({ type }: RegisteredResource): boolean {
  return type === "minio:index/iamPolicy:IamPolicy";
}

function json(text: string): string {
  return `${JSON.stringify(JSON.parse(text), null, 2)}\n`;
}

function yaml(content: unknown, comment: readonly string[]): string {
  return [...comments(comment), stringify(content, { ...kubernetesYaml, lineWidth: 0 })].join("\n");
}

function comments(lines: readonly string[]): string[] {
  return lines.map((line) => `# ${line}`);
}
