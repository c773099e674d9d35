import Table from "cli-table3";
import { execa } from "execa";
import { repository } from "../tools/repository.ts";
import { GitLabApi } from "../tools/clients/gitlab.ts";
import { gitlabUrl, minioServer, sandboxEnvironment } from "./environment.ts";
import { isRunning } from "./servers.ts";
import { minioAdmin } from "./minio-admin.ts";
import { pageUrl } from "./page/page-url.ts";
import { otherProject } from "./gitlab-seed.ts";
import type { Sandbox } from "./sandbox.ts";
import { stackOutputs } from "./pulumi-stack.ts";

/** The fields of a Kubernetes object that the report uses. */
interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly phase?: string;
    readonly containerStatuses?: readonly { readonly ready: boolean }[];
  };
}

/** Prints what is deployed, as reported by GitLab, MinIO and Kubernetes themselves. */
export async function printDeployment({ folder, state }: Sandbox): Promise<void> {
  const outputs = await stackOutputs(folder, state);
  if (outputs === undefined) {
    console.log("Nothing is deployed. Deploy: npm run sandbox");
    return;
  }
  const namespaces = [...new Set([String(outputs["namespace"]), String(outputs["jobNamespace"])])];
  const release = outputs["release"] as { name: string; chart: string; status: string };
  const [runner, bucket, objects] = await Promise.all([
    findRunner({ folder, state }, outputs["runnerId"] as number | undefined),
    findBucket({ folder, state }, outputs["cacheBucket"] as string | undefined),
    Promise.all(namespaces.map((namespace) => findObjects({ folder, state }, namespace))).then((found) => found.flat()),
  ]);
  const ofKind = (kind: string) => objects.filter((object) => object.kind === kind);
  const names = (kind: string) => ofKind(kind).map(({ metadata }) => metadata.name);
  const accounts = names("ServiceAccount").filter((name) => name !== "default");
  const table = new Table({ style: { head: [], border: [] }, wordWrap: true, colWidths: [18, 76] });
  table.push(
    ["Runner in GitLab", runner.title],
    ["Tags", runner.tags],
    ["Projects", runner.projects],
    ["Cache bucket", bucket],
    [namespaces.length === 1 ? "Namespace" : "Namespaces", namespaces.join("\n")],
    ["Secrets", names("Secret").join("\n")],
    ["Accounts", accounts.join("\n")],
    ["Helm release", `${release.name} (${release.chart}), ${release.status}`],
    ["Pods", ofKind("Pod").map(describePod).join("\n") || "none"],
  );
  console.log(table.toString());
}

/** Prints which parts of the sandbox are real, and the addresses of its servers. */
export function printParts({ state }: Sandbox): void {
  const entries = Object.entries(state.plugins);
  const from = (source: string) => entries.filter((entry) => entry[1] === source).map(([name]) => name);
  const own = entries.filter(([, source]) => !["built", "stand-in"].includes(source));
  console.log(
    "Real: Pulumi engine, Kubernetes API server and controllers, MinIO, Helm. Simulated: the node and its pods (kwok).",
  );
  console.log(`Emulated: GitLab, at ${gitlabUrl(state)}`);
  const lines = {
    "Your own Pulumi plugins": own.map(([name, source]) => `${name} (${source})`),
    "Pulumi plugins built from the published source": from("built"),
    "Stand-ins for the published Pulumi plugins": from("stand-in"),
  };
  for (const [title, names] of Object.entries(lines).filter(([, { length }]) => length > 0)) {
    console.log(`${title}: ${names.join(", ")}`);
  }
}

/** Prints the URL of the page that shows everything. */
export function printPage({ state }: Sandbox): void {
  console.log(`Open in a browser: ${pageUrl(state)}`);
}

/** Prints the servers and whether each is running. */
export function printServers({ state }: Sandbox): void {
  const table = new Table({ head: ["Server", "Pid", "", "Log"], style: { head: [], border: [] } });
  table.push(
    ...state.servers.map((server) => [server.name, server.pid, isRunning(server) ? "running" : "ended", server.log]),
  );
  console.log(table.toString());
}

/** Prints what to try next. */
export function printNextSteps(): void {
  console.log(`Try next:
  npm run sandbox -- exec -- kubectl get pods --all-namespaces
  npm run sandbox -- job                                     run a CI job on it; run it twice to see the cache work
  npm run sandbox -- exec -- pulumi config set --path 'extraProjects[0]' ${otherProject.id}
  npm run sandbox -- exec -- pulumi preview                  preview what enabling that project would change
  npm run sandbox -- status                                  show the servers, and what is deployed
  npm run sandbox -- down                                    stop and delete everything`);
}

async function findRunner(
  { state }: Sandbox,
  id: number | undefined,
): Promise<{ title: string; tags: string; projects: string }> {
  if (id === undefined) {
    return {
      title: "an existing one; this stack does not manage it",
      tags: "as set in GitLab",
      projects: "as set in GitLab",
    };
  }
  const api = new GitLabApi(`${gitlabUrl(state)}/api/v4`, state.secrets["gitlabToken"] ?? "");
  const runner = await api.runner(id);
  if (runner === undefined) {
    return { title: `#${id} is missing`, tags: "", projects: "" };
  }
  const projects = runner.projects ?? [];
  return {
    title: [`#${id}`, runner.description, runner.runner_type, runner.status].filter(Boolean).join(", "),
    tags: runner.tag_list.join(", "),
    projects:
      projects.map((project) => `${project.path_with_namespace} (${project.id})`).join("\n") ||
      "all of its group or instance",
  };
}

async function findBucket({ folder, state }: Sandbox, bucket: string | undefined): Promise<string> {
  if (bucket === undefined) {
    return "none";
  }
  const { store, keys } = minioAdmin(folder, state);
  if ((await store.madeAt(keys, bucket)) === undefined) {
    return `${bucket} is missing`;
  }
  const { count } = await store.content(keys, bucket);
  return `${bucket} at ${minioServer(state)}, ${count} ${count === 1 ? "object" : "objects"}`;
}

async function findObjects({ folder, state }: Sandbox, namespace: string): Promise<KubernetesObject[]> {
  const kinds = "pods,secrets,serviceaccounts";
  const { stdout } = await execa("kubectl", ["--namespace", namespace, "get", kinds, "--output", "json"], {
    cwd: repository,
    env: sandboxEnvironment(folder, state),
    extendEnv: false,
    timeout: 30_000,
  });
  return (JSON.parse(stdout) as { items: KubernetesObject[] }).items;
}

function describePod({ metadata, status }: KubernetesObject): string {
  const containers = status?.containerStatuses ?? [];
  return `${metadata.name}, ${status?.phase ?? "?"}, ${containers.filter(({ ready }) => ready).length}/${containers.length} ready`;
}
