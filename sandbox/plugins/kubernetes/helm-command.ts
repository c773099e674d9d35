import { execa } from "execa";
import { z } from "zod";
import { asText, isRecord } from "../property-values.ts";
import type { Properties } from "../property-values.ts";
import type { Cluster } from "./cluster.ts";

/** `helm` has failed; the message is what it said. */
export class HelmError extends Error {
  override readonly name = "HelmError";
}

const metadata = z.looseObject({
  name: z.string(),
  chart: z.string(),
  version: z.string(),
  appVersion: z.string().default(""),
  namespace: z.string(),
  revision: z.number(),
  status: z.string(),
});

/** What Helm knows of a release. */
export interface InstalledRelease {
  readonly metadata: z.output<typeof metadata>;
  /** The values that the user has set. */
  readonly values: Properties;
  /** All objects of the release as YAML. */
  readonly manifest: string;
}

const killAfterMilliseconds = 4000;

/**
 * Runs `helm` against the provider's cluster.
 *
 * @param input for its stdin, where values belong, since they may be secret
 * @returns what it wrote on stdout
 * @throws HelmError
 */
export async function helm(
  cluster: Cluster,
  args: readonly string[],
  signal: AbortSignal,
  input = "",
): Promise<string> {
  const result = await execa("helm", args, {
    input,
    reject: false,
    env: cluster.helmEnvironment(),
    cancelSignal: signal,
    // Helm notes in the cluster that it was stopped, which takes a moment.
    forceKillAfterDelay: killAfterMilliseconds,
    maxBuffer: 50_000_000,
  });
  if (result.code === "ENOENT") {
    throw new HelmError("kubernetes: Helm releases need helm on PATH");
  }
  if (result.failed) {
    const said = result.stderr
      .split("\n")
      .filter((line) => !line.startsWith("WARNING:"))
      .join("\n")
      .replace(/^Error: /, "")
      .trim();
    throw new HelmError(said === "" ? `helm ${args[0] ?? ""} ended with ${result.shortMessage ?? "an error"}` : said);
  }
  return result.stdout;
}

/** @returns the release, or undefined where there is none of this name */
export async function findRelease(
  cluster: Cluster,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<InstalledRelease | undefined> {
  const get = (what: string, ...more: string[]) =>
    helm(cluster, ["get", what, name, "--namespace", namespace, ...more], signal);
  try {
    const [found, values, manifest] = await Promise.all([
      get("metadata", "--output", "json"),
      get("values", "--output", "json"),
      get("manifest"),
    ]);
    const parsedValues = JSON.parse(values) as unknown;
    return {
      metadata: metadata.parse(JSON.parse(found)),
      values: isRecord(parsedValues) ? parsedValues : {},
      manifest,
    };
  } catch (error) {
    if (error instanceof HelmError && error.message.includes("release: not found")) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Says where the chart is, for any command of Helm that takes one.
 *
 * @returns the chart, followed by flags
 */
export async function chartArguments(cluster: Cluster, inputs: Properties, signal: AbortSignal): Promise<string[]> {
  const options = isRecord(inputs.repositoryOpts) ? inputs.repositoryOpts : {};
  const [chart, repository] = [asText(inputs.chart) ?? "", asText(options.repo)];
  const version = asText(inputs.version) ?? "";
  const flags = [
    ...(version === "" ? [] : ["--version", version]),
    ...(inputs.devel === true && version === "" ? ["--devel"] : []),
    ...(inputs.verify === true ? ["--verify"] : []),
    ...(typeof inputs.keyring === "string" && inputs.verify === true ? ["--keyring", inputs.keyring] : []),
    ...fileFlags(options),
  ];
  if (repository === undefined || chart.startsWith("oci://")) {
    return [chart, ...flags];
  }
  if (URL.parse(repository) === null) {
    return [chart.includes("/") ? chart : `${repository}/${chart}`, ...flags];
  }
  const username = asText(options.username);
  if (username === undefined) {
    return [chart, "--repo", repository, ...flags];
  }
  // Of all ways to give Helm a password, this is the one that does not show it to other processes.
  const add = ["repo", "add", "pulumi", repository, "--force-update", "--username", username, "--password-stdin"];
  await helm(cluster, [...add, ...fileFlags(options)], signal, asText(options.password) ?? "");
  return [`pulumi/${chart}`, ...flags];
}

function fileFlags(options: Properties): string[] {
  return Object.entries({
    "--ca-file": options.caFile,
    "--cert-file": options.certFile,
    "--key-file": options.keyFile,
  }).flatMap(([flag, file]) => (typeof file === "string" ? [flag, file] : []));
}
