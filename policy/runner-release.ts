import { basename } from "node:path";
import { parse } from "smol-toml";

/** A resource as the engine shows it to a policy. */
export interface Resource {
  /** Type, such as `kubernetes:helm.sh/v3:Release`. */
  readonly type: string;
  /** What identifies it; it has the types of the components that the resource is in. */
  readonly urn: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- of any resource, written by anybody
  readonly props: Readonly<Record<string, any>>;
}

/** A Helm release of GitLab's chart. */
export interface RunnerRelease {
  /** Name of the chart in a repository; or the path or address of one. */
  readonly chart: string;
  readonly version: string | undefined;
  readonly namespace: string | undefined;
  /** The chart's values, with the runner's configuration as an object at `runners.config`. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** Whether a resource is a part of the component GitLabRunner. */
export function isOfRunner({ urn }: Resource): boolean {
  return urn.includes("gitlab-runner:index:");
}

/** @returns the release, if the resource is one of GitLab's chart: by its name, or since it is in GitLabRunner */
export function runnerRelease(resource: Resource): RunnerRelease | undefined {
  const { type, props } = resource;
  if (type !== "kubernetes:helm.sh/v3:Release") {
    return undefined;
  }
  const chart = String(props["chart"]);
  if (!isOfRunner(resource) && !basename(chart).startsWith("gitlab-runner")) {
    return undefined;
  }
  const values = (props["values"] ?? {}) as Record<string, unknown>;
  const runners = (values["runners"] ?? {}) as Record<string, unknown>;
  const config = typeof runners["config"] === "string" ? { config: parse(runners["config"]) } : {};
  return {
    chart,
    version: props["version"] as string | undefined,
    namespace: props["namespace"] as string | undefined,
    values: { ...values, runners: { ...runners, ...config } },
  };
}

/** @returns namespaces that the release runs pods in: the manager's, and those of the jobs */
export function podNamespaces({ namespace, values }: RunnerRelease): string[] {
  const jobs = leaves(values).flatMap(({ path, value }) =>
    /^runners\.config\.runners\.\d+\.kubernetes\.namespace$/.test(path) ? [String(value)] : [],
  );
  return [...new Set([namespace ?? "default", ...jobs])];
}

/** A text, number or boolean, and the keys that lead to it, with dots between them. */
export interface Leaf {
  readonly path: string;
  readonly value: unknown;
}

/**
 * @returns everything in a value that is neither list nor object; an environment variable, `NAME=value` or an object with
 * name and value, has its name at the end of its path
 */
export function leaves(value: unknown, path: readonly string[] = []): Leaf[] {
  if (typeof value === "object" && value !== null && !(value instanceof Date)) {
    const { name, value: text } = value as { name?: unknown; value?: unknown };
    return typeof name === "string" && text !== undefined
      ? leaves(text, [...path, name])
      : Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
  }
  const [, name, text] = (typeof value === "string" && /^([A-Za-z_]\w*)=(.*)$/s.exec(value)) || [];
  return [{ path: [...path, ...(name === undefined ? [] : [name])].join("."), value: text ?? value }];
}
