import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { execa } from "execa";
import { stringify } from "yaml";
import { onPath } from "../tools/on-path.ts";
import type { Tools } from "../tools/pinned-tools.ts";
import {
  jobFolder,
  kwokArguments,
  kwokConfig,
  kwokEnvironment,
  kwokNode,
  makeJobFolder,
  makeJobPrograms,
  makePodLog,
} from "./kwok/kwok-config.ts";
import { withRunnerHelper } from "./kwok/runner-helper.ts";
import { startServer } from "./servers.ts";
import type { SandboxFolder, SandboxState } from "./sandbox-folder.ts";

/** Name of the simulated node: the one that the homelab's stack selects. */
export const nodeName = "polycephala";

/** @returns the path of the cluster's admin kubeconfig */
export function kubeconfigFile(folder: SandboxFolder): string {
  return folder.file("kubernetes", "kubeconfig");
}

/**
 * Starts etcd and the Kubernetes API server, and waits until it answers.
 * @param authorization the API server's authorization mode
 */
export async function startApiServer(
  folder: SandboxFolder,
  state: SandboxState,
  tools: Tools,
  authorization = "Node,RBAC",
): Promise<void> {
  const { etcd, "etcd-peer": peer, kubernetes } = state.ports;
  folder.folder("kubernetes", "certs");
  const file = (name: string) => folder.file("kubernetes", name);
  const etcdUrl = `http://127.0.0.1:${etcd ?? 0}`;
  const peerUrl = `http://127.0.0.1:${peer ?? 0}`;
  await startServer(folder, state, {
    name: "etcd",
    command: tools.etcd,
    args: [
      ["--data-dir", folder.file("etcd")],
      ["--listen-client-urls", etcdUrl],
      ["--advertise-client-urls", etcdUrl],
      ["--listen-peer-urls", peerUrl],
      ["--initial-advertise-peer-urls", peerUrl],
      ["--initial-cluster", `default=${peerUrl}`],
      // A sandbox has no data that must survive a power failure.
      ["--unsafe-no-fsync"],
    ].flat(),
    ready: () => expectOk(`${etcdUrl}/readyz`),
  });

  const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(file("service-account.key"), keys.privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  writeFileSync(file("tokens.csv"), `${state.secrets["kubernetesToken"] ?? ""},admin,admin,system:masters\n`, {
    mode: 0o600,
  });
  const server = `https://127.0.0.1:${kubernetes ?? 0}`;
  await startServer(folder, state, {
    name: "kube-apiserver",
    command: tools["kube-apiserver"],
    args: [
      ["--etcd-servers", etcdUrl],
      ["--bind-address", "127.0.0.1"],
      ["--advertise-address", "127.0.0.1"],
      // It would register its address as the endpoint of a Service, which Kubernetes refuses for a loopback address.
      ["--endpoint-reconciler-type", "none"],
      ["--secure-port", String(kubernetes)],
      ["--cert-dir", file("certs")],
      ["--token-auth-file", file("tokens.csv")],
      ["--authorization-mode", authorization],
      ["--service-cluster-ip-range", "10.96.0.0/16"],
      ["--service-account-issuer", "https://kubernetes.default.svc"],
      ["--service-account-signing-key-file", file("service-account.key")],
      ["--service-account-key-file", file("service-account.key")],
      // For kubectl exec and logs, which go from here to the simulated node.
      ["--kubelet-preferred-address-types", "InternalIP"],
    ].flat(),
    ready: () => expectOk(`${server}/readyz`, state.secrets["kubernetesToken"]),
  });

  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "sandbox",
    clusters: [
      {
        name: "sandbox",
        cluster: {
          server,
          "certificate-authority-data": readFileSync(file("certs/apiserver.crt")).toString("base64"),
        },
      },
    ],
    users: [{ name: "admin", user: { token: state.secrets["kubernetesToken"] } }],
    contexts: [{ name: "sandbox", context: { cluster: "sandbox", user: "admin" } }],
  };
  writeFileSync(kubeconfigFile(folder), stringify(kubeconfig), { mode: 0o600 });
}

/** Starts the controllers, the scheduler, and kwok with its simulated node. */
export async function startControllers(
  folder: SandboxFolder,
  state: SandboxState,
  tools: Tools,
  nodeLabels: Record<string, string>,
): Promise<void> {
  const kubeconfig = kubeconfigFile(folder);
  const certs = (name: string) => folder.file("kubernetes", "certs", name);
  state.extraFolders.push(jobFolder(folder.path));
  folder.write(state);
  makeJobFolder(folder.path);
  makeJobPrograms(folder.path);
  makePodLog(folder.path);
  writeFileSync(folder.file("kubernetes", "kwok.yaml"), kwokConfig(folder.path, state.ports["minio"] ?? 0));
  const { "controller-manager": controllers, scheduler, kubelet } = state.ports;
  const kwok = {
    command: tools.kwok,
    args: kwokArguments({
      kubeconfig,
      node: nodeName,
      port: kubelet ?? 0,
      certificateFile: certs("apiserver.crt"),
      keyFile: certs("apiserver.key"),
      configFile: folder.file("kubernetes", "kwok.yaml"),
    }),
  };
  const runner = onPath("gitlab-runner");
  const withHelper =
    runner === undefined ? undefined : await withRunnerHelper(runner, folder.file("runner-helper"), kwok);
  state.runnerHelper = withHelper !== undefined;
  const secure = (port: number | undefined) => [
    ["--bind-address", "127.0.0.1"],
    ["--secure-port", String(port)],
    ["--tls-cert-file", certs("apiserver.crt")],
    ["--tls-private-key-file", certs("apiserver.key")],
  ];
  await Promise.all([
    startServer(folder, state, {
      name: "kube-controller-manager",
      command: tools["kube-controller-manager"],
      args: [
        ["--kubeconfig", kubeconfig],
        ["--leader-elect=false"],
        ["--service-account-private-key-file", folder.file("kubernetes", "service-account.key")],
        ["--root-ca-file", certs("apiserver.crt")],
        ...secure(controllers),
      ].flat(),
      ready: () => expectOk(`https://127.0.0.1:${controllers ?? 0}/healthz`),
    }),
    startServer(folder, state, {
      name: "kube-scheduler",
      command: tools["kube-scheduler"],
      args: [["--kubeconfig", kubeconfig], ["--leader-elect=false"], ...secure(scheduler)].flat(),
      ready: () => expectOk(`https://127.0.0.1:${scheduler ?? 0}/healthz`),
    }),
    startServer(folder, state, {
      name: "kwok",
      ...(withHelper ?? kwok),
      env: kwokEnvironment(folder.path),
      ready: () => expectOk(`https://127.0.0.1:${kubelet ?? 0}/healthz`),
    }).then(() =>
      // After kwok: a node that is created before kwok runs gets no address and no port for exec and logs.
      execa(tools.kubectl, ["--kubeconfig", kubeconfig, "apply", "-f", "-"], {
        input: JSON.stringify(kwokNode(nodeName, nodeLabels)),
        timeout: 30_000,
      }),
    ),
  ]);
}

/** Resolves when the URL answers 200; the servers' certificates are self-signed and not checked. */
export async function expectOk(address: string, token?: string): Promise<void> {
  const status = await new Promise<number | undefined>((resolve, reject) => {
    if (address.startsWith("http:")) {
      fetch(address, { signal: AbortSignal.timeout(2_000) }).then((response) => {
        resolve(response.status);
      }, reject);
      return;
    }
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    request(address, { agent: new Agent({ rejectUnauthorized: false }), headers, timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .on("timeout", function (this: { destroy(error: Error): void }) {
        this.destroy(new Error("no answer"));
      })
      .end();
  });
  if (status !== 200) {
    throw new Error(`${address} answers ${status ?? "nothing"}`);
  }
}
