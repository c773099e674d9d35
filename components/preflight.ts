import { connect } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import type { GitLabRunnerArgs } from "./gitlab-runner-args.ts";
import { readKubeConfig, type KubeConfigContent } from "./kubeconfig.ts";
import { describeValue } from "./settings/problems.ts";

/** A server that a provider will connect to, and the source of its address. */
interface Endpoint {
  readonly server: string;
  readonly url: URL;
  readonly source: string;
  readonly fix: string;
}

/** How long a server may take to accept a connection. */
const timeoutMs = 5_000;

/**
 * Checks that the servers behind the providers accept connections: if one turns out to be unreachable in the middle of an
 * update, the provider says neither which setting has its address nor what is left behind.
 * Servers behind a proxy are not checked, since only the provider knows how to reach them.
 * @throws pulumi.RunError with each address that cannot be reached and the setting that it comes from
 */
export async function checkReachable(args: Pick<GitLabRunnerArgs, "cache" | "registration">): Promise<void> {
  const makesBucket = args.cache !== false && args.cache?.credentials === undefined;
  const endpoints = [args.registration && gitlab(), makesBucket ? minio() : undefined, kubernetes()];
  const checks = await Promise.all(
    endpoints
      .filter((endpoint) => endpoint !== undefined)
      .map(async (endpoint) => ({ ...endpoint, problem: await tryConnect(endpoint.url) })),
  );
  const unreachable = checks.filter(({ problem }) => problem !== undefined);
  if (unreachable.length > 0) {
    const lines = unreachable.map(
      ({ server, url, source, problem, fix }) =>
        `  ${server} at ${url.origin} (from ${source}): ${problem ?? ""}\n    ${fix}`,
    );
    throw new pulumi.RunError(`Cannot reach:\n${lines.join("\n")}\nNothing was created or changed.`);
  }
}

function gitlab(): Endpoint | undefined {
  const [address, source] = firstSet(
    [new pulumi.Config("gitlab").get("baseUrl"), "gitlab:baseUrl"],
    [process.env["GITLAB_BASE_URL"], "GITLAB_BASE_URL"],
    ["https://gitlab.com/api/v4/", "the provider's default"],
  );
  const url = parseUrl(address, source, "https://gitlab.example.com/api/v4/");
  return process.env["HTTPS_PROXY"] !== undefined || process.env["https_proxy"] !== undefined
    ? undefined
    : { server: "GitLab", url, source, fix: "pulumi config set gitlab:baseUrl https://gitlab.example.com/api/v4/" };
}

function minio(): Endpoint | undefined {
  const [address, source] = firstSet(
    [new pulumi.Config("minio").get("minioServer"), "minio:minioServer"],
    [process.env["MINIO_ENDPOINT"], "MINIO_ENDPOINT"],
  );
  if (address === "") {
    throw new pulumi.RunError(
      "minio:minioServer is not set, so Pulumi does not know where to create the cache's bucket.\n" +
        "  pulumi config set minio:minioServer localhost:9000    (or, for a stack without a cache: pulumi config set cache false)\n" +
        "Nothing was created or changed.",
    );
  }
  const url = parseUrl(`http://${address}`, source, "minio.example.com:9000");
  return { server: "MinIO", url, source, fix: "pulumi config set minio:minioServer minio.example.com:9000" };
}

function kubernetes(): Endpoint | undefined {
  const config = new pulumi.Config("kubernetes");
  const given = config.get("kubeconfig") || undefined;
  const [, source] = firstSet(
    [given, "kubernetes:kubeconfig"],
    [process.env["KUBECONFIG"], "KUBECONFIG"],
    ["~/.kube/config", "~/.kube/config"],
  );
  const content = kubeConfig(given);
  const wanted = config.get("context") ?? content?.["current-context"];
  const clusterName = config.get("cluster") ?? content?.contexts.find(({ name }) => name === wanted)?.context.cluster;
  const cluster = content?.clusters.find(({ name }) => name === clusterName)?.cluster;
  if (cluster === undefined || cluster["proxy-url"] !== undefined) {
    // The context does not exist or uses a proxy: leave it to the provider, which reports what is missing.
    return undefined;
  }
  return {
    server: "Kubernetes",
    url: parseUrl(cluster.server, source, "https://cluster.example.com:6443"),
    source: `context ${wanted || "(none)"} of ${source}`,
    fix: "pulumi config set kubernetes:context NAME    (kubectl config get-contexts lists them)",
  };
}

function kubeConfig(given: string | undefined): KubeConfigContent | undefined {
  try {
    return readKubeConfig(given);
  } catch (error) {
    if (given === undefined) {
      // The provider itself reports a file of the user's own that it cannot read.
      return undefined;
    }
    throw new pulumi.RunError(
      `kubernetes:kubeconfig must be a kubeconfig or the path of one: ${(error as Error).message}.\n` +
        "  pulumi config set kubernetes:kubeconfig /home/me/.kube/config    (or remove it, and the user's own is taken: pulumi config rm kubernetes:kubeconfig)\n" +
        "Nothing was created or changed.",
    );
  }
}

function firstSet(...candidates: readonly (readonly [string | undefined, string])[]): readonly [string, string] {
  const found = candidates.find(([value]) => value !== undefined && value !== "");
  return [found?.[0] ?? "", found?.[1] ?? ""];
}

function parseUrl(address: string, source: string, example: string): URL {
  if (!URL.canParse(address)) {
    throw new pulumi.RunError(
      `${source} must be an address such as ${example}, but is ${describeValue(address) ?? ""}.\nNothing was created or changed.`,
    );
  }
  return new URL(address);
}

/** @returns what went wrong; undefined if the server accepts connections */
async function tryConnect(url: URL): Promise<string | undefined> {
  const port = url.port === "" ? (url.protocol === "http:" ? 80 : 443) : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const finish = (problem?: string) => {
      socket.destroy();
      resolve(problem);
    };
    socket.once("connect", () => {
      finish();
    });
    socket.once("timeout", () => {
      finish(`no answer within ${timeoutMs / 1000} s`);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      finish(error.code ?? error.message);
    });
  });
}
