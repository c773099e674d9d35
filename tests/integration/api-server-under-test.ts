import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import getPort from "get-port";
import { kubeconfigFile, startApiServer } from "../../sandbox/cluster.ts";
import { SandboxFolder, type SandboxState } from "../../sandbox/sandbox-folder.ts";
import { stopServers } from "../../sandbox/servers.ts";
import { builtTools } from "../../tools/pinned-tools.ts";

/** A Kubernetes API server with nothing else, in a folder of its own. */
export class ApiServerUnderTest {
  readonly #parent = mkdtempSync(join(tmpdir(), "gitlab-runner-test-"));
  readonly folder = new SandboxFolder(join(this.#parent, "sandbox"));
  readonly state: SandboxState = {
    ...{ servers: [], ports: {}, secrets: { kubernetesToken: "of-this-test-alone" }, stack: "" },
    ...{ minioTls: false, runnerHelper: false, complete: false, plugins: {}, extraFolders: [] },
  };
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig = kubeconfigFile(this.folder);

  /** @param authorization the authorization mode. @defaultValue the sandbox's */
  async start(authorization?: string): Promise<void> {
    for (const name of ["etcd", "etcd-peer", "kubernetes"]) {
      this.state.ports[name] = await getPort();
    }
    await startApiServer(this.folder, this.state, builtTools(), authorization);
  }

  /** Stops it, and all servers that were started with its state. */
  async stop(): Promise<void> {
    await stopServers(this.state.servers);
    rmSync(this.#parent, { recursive: true, force: true });
  }
}
