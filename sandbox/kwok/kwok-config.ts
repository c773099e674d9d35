import { createHash } from "node:crypto";
import { appendFileSync, chmodSync, chownSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { stringify } from "yaml";
import { onPath } from "../../tools/on-path.ts";
import { clusterExec, clusterLogs, clusterPortForward, nodeStages, podStages } from "./kwok-stages.ts";

/** User and group id that run the commands of simulated pods if the sandbox runs as root: those of nobody. */
export const unprivilegedId = 65_534;

/** How to start kwok for one simulated node. */
export interface KwokOptions {
  /** File with an admin kubeconfig. */
  readonly kubeconfig: string;
  /** Name of the node. Create the Node object after kwok answers, or it gets no address and port. */
  readonly node: string;
  /** Free port on 127.0.0.1 for the kubelet API. */
  readonly port: number;
  /** Certificate for 127.0.0.1, PEM; the API server checks it only with `--kubelet-certificate-authority`. */
  readonly certificateFile: string;
  /** Key of that certificate, PEM. */
  readonly keyFile: string;
  /** File with the output of {@link kwokConfig}. */
  readonly configFile: string;
}

/**
 * Arguments of the `kwok` program (v0.8). The whole command line is
 * `kwok --config F --kubeconfig F --manage-single-node NODE --node-name NODE --node-ip 127.0.0.1 --node-port N
 * --server-address 127.0.0.1:N --tls-cert-file F --tls-private-key-file F --node-lease-duration-seconds 40`.
 * Without `--server-address` it listens on every interface. Its kubelet API does not authenticate clients, and `kubectl exec`
 * passes kwok's whole environment to the command: start it with {@link kwokEnvironment}. It is up when
 * `https://127.0.0.1:N/healthz` answers 200.
 */
export function kwokArguments(options: KwokOptions): string[] {
  return [
    ["--config", options.configFile],
    ["--kubeconfig", options.kubeconfig],
    ["--manage-single-node", options.node],
    ["--node-name", options.node],
    ["--node-ip", "127.0.0.1"],
    ["--node-port", String(options.port)],
    ["--server-address", `127.0.0.1:${String(options.port)}`],
    ["--tls-cert-file", options.certificateFile],
    ["--tls-private-key-file", options.keyFile],
    ["--node-lease-duration-seconds", "40"],
  ].flat();
}

/**
 * The environment for kwok: a separate home folder, and no secret that a job could print. First on `PATH` is
 * {@link jobPrograms}.
 */
export function kwokEnvironment(stateDir: string): Record<string, string> {
  const path = process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin";
  return { PATH: `${jobPrograms(stateDir)}:${path}`, HOME: jobFolder(stateDir), LANG: "C.UTF-8" };
}

/**
 * The node object for {@link KwokOptions.node}.
 * @param labels - labels besides the ones that a kubelet sets.
 */
export function kwokNode(name: string, labels: Record<string, string> = {}): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/arch": process.arch === "x64" ? "amd64" : process.arch,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        ...labels,
      },
    },
    status: {
      allocatable: { cpu: "16", memory: "32Gi", pods: "110", "ephemeral-storage": "100Gi" },
      capacity: { cpu: "16", memory: "32Gi", pods: "110", "ephemeral-storage": "100Gi" },
    },
  };
}

/**
 * kwok's configuration as YAML documents: the stages of nodes and pods; `kubectl exec`, which runs on this machine in
 * {@link jobFolder}, as an unprivileged user if the sandbox runs as root; and `kubectl port-forward` to port 9000 of a pod
 * (MinIO's port), which reaches the sandbox's MinIO.
 * @param minioPort - port of MinIO on 127.0.0.1.
 */
export function kwokConfig(stateDir: string, minioPort: number): string {
  const user = process.getuid?.() === 0 ? unprivilegedId : undefined;
  return [
    ...nodeStages(),
    ...podStages(),
    clusterLogs(podLog(stateDir)),
    clusterExec(jobFolder(stateDir), user),
    clusterPortForward(9000, minioPort),
  ]
    .map((document) => stringify(document, { lineWidth: 0 }))
    .join("---\n");
}

/** File that `kubectl logs` shows for every simulated pod; {@link makePodLog} creates it. */
export function podLog(stateDir: string): string {
  return join(resolve(stateDir), "logs", "pods.log");
}

/** Creates {@link podLog} with a line that says why it has no real output. */
export function makePodLog(stateDir: string): void {
  mkdirSync(dirname(podLog(stateDir)), { recursive: true });
  writeFileSync(podLog(stateDir), "");
  appendPodLog(
    stateDir,
    "This pod is simulated: nothing runs in it. What follows is of the manager that the sandbox starts for a job.",
  );
}

/** Adds a line to {@link podLog}, in the format of container runtimes, which kubelets read. */
export function appendPodLog(stateDir: string, line: string): void {
  appendFileSync(podLog(stateDir), `${new Date().toISOString()} stdout F ${line}\n`);
}

/**
 * Folder that commands in simulated pods run in: `jobs` in the state folder, or, if other users cannot enter that, one in
 * the system's temporary folder. Create it with {@link makeJobFolder}; delete it with the sandbox.
 */
export function jobFolder(stateDir: string): string {
  const state = resolve(stateDir);
  if (process.getuid?.() !== 0 || isOpenToAll(state)) {
    return join(state, "jobs");
  }
  const id = createHash("sha256").update(state).digest("hex").slice(0, 12);
  return join(tmpdir(), `gitlab-runner-sandbox-${id}`);
}

/** Creates {@link jobFolder}, accessible only to the user that jobs run as, and returns its path. */
export function makeJobFolder(stateDir: string): string {
  const folder = jobFolder(stateDir);
  mkdirSync(dirname(folder), { recursive: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (process.getuid?.() === 0) {
    chownSync(folder, unprivilegedId, unprivilegedId);
  }
  chmodSync(folder, 0o700);
  return folder;
}

/** Folder with the programs that the real runner calls by name in a container; {@link makeJobPrograms} creates it. */
export function jobPrograms(stateDir: string): string {
  return join(jobFolder(stateDir), "bin");
}

/**
 * Creates {@link jobPrograms}: `gitlab-runner-build`, with which the runner starts its scripts in the helper container, is a
 * shell here. The folder is in the job folder, since the user that jobs run as may have no access to the checkout: home
 * folders are often private.
 */
export function makeJobPrograms(stateDir: string): void {
  const build = join(jobPrograms(stateDir), "gitlab-runner-build");
  mkdirSync(dirname(build), { recursive: true });
  chmodSync(dirname(build), 0o755);
  rmSync(build, { force: true });
  symlinkSync(onPath("bash") ?? "/bin/bash", build);
}

/** Whether any user may enter all folders down to this one, or down to the last existing one. */
function isOpenToAll(folder: string): boolean {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat !== undefined && (stat.mode & 0o001) === 0) {
    return false;
  }
  return dirname(folder) === folder || isOpenToAll(dirname(folder));
}
