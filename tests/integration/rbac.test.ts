import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { execa } from "execa";
import getPort from "get-port";
import { builtTools } from "../../tools/pinned-tools.ts";
import { kubeconfigFile, startApiServer } from "../../sandbox/cluster.ts";
import { stopServers } from "../../sandbox/servers.ts";
import { SandboxFolder, type SandboxState } from "../../sandbox/sandbox-folder.ts";
import type { Finding } from "../../tools/doctor/check.ts";
import { rbac } from "../../tools/doctor/checks/rbac.ts";
import type { DoctorContext } from "../../tools/doctor/context.ts";
import { KubernetesApi } from "../../tools/clients/kubernetes.ts";
import { loadKubeConfig } from "../../tools/clients/kubeconfig.ts";

interface ApiServer {
  readonly kubectl: (...args: string[]) => Promise<unknown>;
  /** What the doctor's check finds. */
  readonly look: () => Promise<Finding>;
}

/** Starts a Kubernetes API server that decides about rights as said, with nothing else. */
async function apiServer(t: TestContext, authorization: string): Promise<ApiServer> {
  const parent = mkdtempSync(join(tmpdir(), "gitlab-runner-rbac-"));
  const folder = new SandboxFolder(join(parent, "sandbox"));
  const ports = { etcd: await getPort(), "etcd-peer": await getPort(), kubernetes: await getPort() };
  const state: SandboxState = {
    ...{ servers: [], ports, secrets: { kubernetesToken: "of-this-test-alone" }, stack: "" },
    ...{ minioTls: false, runnerHelper: false, complete: false, plugins: {}, extraFolders: [] },
  };
  t.after(async () => {
    await stopServers(state.servers);
    rmSync(parent, { recursive: true, force: true });
  });
  const tools = builtTools();
  await startApiServer(folder, state, tools, authorization);
  const kubeconfig = kubeconfigFile(folder);
  const api = new KubernetesApi(loadKubeConfig({ kubeconfig, context: undefined }));
  const context = { kubernetes: () => api, jobNamespace: "default" } as unknown as DoctorContext;
  return {
    kubectl: (...args) => execa(tools.kubectl, ["--kubeconfig", kubeconfig, ...args], { timeout: 30_000 }),
    look: () => rbac.run(context),
  };
}

test("a cluster without RBAC is told from one with it", { timeout: 2 * 60_000 }, async (t) => {
  const { look } = await apiServer(t, "AlwaysAllow");
  const { status, found, todo } = await look();
  assert.equal(status, "problem");
  assert.match(found, /^This cluster does not enforce RBAC: even an account that does not exist may do everything/);
  assert.match(todo ?? "", /^microk8s enable rbac$/m);
});

test("with RBAC, a binding that gives everybody everything is named", { timeout: 2 * 60_000 }, async (t) => {
  const { kubectl, look } = await apiServer(t, "RBAC");
  assert.equal((await look()).status, "ok");
  const everybody = ["--clusterrole=cluster-admin", "--group=system:serviceaccounts"];
  await kubectl("create", "clusterrolebinding", "everybody", ...everybody);
  // The server's own view of the bindings follows within moments.
  await t.waitFor(async () => {
    const { status, found } = await look();
    assert.equal(status, "problem");
    assert.match(
      found,
      /by ClusterRoleBinding "everybody" of ClusterRole "cluster-admin" to Group "system:serviceaccounts"\.$/,
    );
  });
});
