import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa, type ResultPromise } from "execa";
import { kubeconfigFile, nodeName } from "../../sandbox/cluster.ts";
import { sandboxEnvironment } from "../../sandbox/environment.ts";
import { otherProject } from "../../sandbox/gitlab-seed.ts";
import { SandboxFolder } from "../../sandbox/sandbox-folder.ts";
import { repository } from "../../tools/repository.ts";
import { SandboxUnderTest } from "../integration/sandbox-under-test.ts";
import { FaultyProxy } from "./faulty-proxy.ts";
import type { Server } from "./faults.ts";

/** What a command printed, and how it ended. */
export interface Run {
  readonly all: string;
  readonly exitCode: number | undefined;
}

/** No command of a deployment takes so long, even where it waits for a server. */
const limit = 8 * 60_000;

/** A sandbox whose commands reach GitLab, MinIO and the API server through proxies that can fail. */
export class ProxiedSandbox {
  readonly sandbox: SandboxUnderTest;
  readonly proxies: Readonly<Record<Server, FaultyProxy>>;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(sandbox: SandboxUnderTest, proxies: Readonly<Record<Server, FaultyProxy>>) {
    this.sandbox = sandbox;
    this.proxies = proxies;
    const folder = new SandboxFolder(sandbox.path);
    const kubeconfig = folder.file("kubeconfig-by-proxy");
    const direct = String(sandbox.state.ports["kubernetes"]);
    const text = readFileSync(kubeconfigFile(folder), "utf8");
    writeFileSync(kubeconfig, text.replace(`127.0.0.1:${direct}`, `127.0.0.1:${proxies["Kubernetes API"].port}`), {
      mode: 0o600,
    });
    this.#env = { ...sandboxEnvironment(folder, sandbox.state), KUBECONFIG: kubeconfig };
  }

  /**
   * Starts a sandbox with the proxies before its servers. Nothing is deployed when it is there; the stack enables its runner for
   * one more project than the homelab's.
   */
  static async start(): Promise<ProxiedSandbox> {
    const sandbox = new SandboxUnderTest();
    const { all, exitCode } = await sandbox.command("up");
    if (exitCode !== 0) {
      await sandbox.remove();
      throw new Error(all);
    }
    const { ports } = sandbox.state;
    const certs = (name: string) => readFileSync(join(sandbox.path, "kubernetes/certs", name));
    const tls = { cert: certs("apiserver.crt"), key: certs("apiserver.key") };
    const proxied = new ProxiedSandbox(sandbox, {
      GitLab: await FaultyProxy.start({ port: ports["gitlab"] ?? 0 }),
      MinIO: await FaultyProxy.start({ port: ports["minio"] ?? 0 }),
      "Kubernetes API": await FaultyProxy.start({ port: ports["kubernetes"] ?? 0, tls }),
    });
    await proxied.must("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive");
    const set = (key: string, value: string) => proxied.must("pulumi", "config", "set", "--path", key, value);
    await set("gitlab:baseUrl", `http://127.0.0.1:${proxied.proxies.GitLab.port}/api/v4/`);
    await set("minio:minioServer", `127.0.0.1:${proxied.proxies.MinIO.port}`);
    await set("gitlab-runner:extraProjects[0]", String(otherProject.id));
    return proxied;
  }

  /** Starts a command in a process group of its own, as `npm run sandbox -- exec` would. */
  start([command = "", ...args]: readonly string[]): ResultPromise {
    return execa(command, args, {
      cwd: repository,
      env: this.#env,
      extendEnv: false,
      reject: false,
      all: true,
      stdin: "ignore",
      detached: true,
      timeout: limit,
    });
  }

  /** Runs a command to its end, whatever that is. */
  async run(...command: readonly string[]): Promise<Run> {
    const { all, exitCode } = await this.start(command);
    return { all: String(all), exitCode };
  }

  /** Runs a command that must succeed. @returns what it printed */
  async must(...command: readonly string[]): Promise<string> {
    const { all, exitCode } = await this.run(...command);
    if (exitCode !== 0) {
      throw new Error(`${command.join(" ")} ended with ${exitCode ?? "a signal"}:\n${all}`);
    }
    return all;
  }

  /** Lets no pod start, or lets them again, so that Helm waits as it does while images are pulled; not by the proxy. */
  async holdPods(isHeld: boolean): Promise<void> {
    const kubeconfig = kubeconfigFile(new SandboxFolder(this.sandbox.path));
    await this.must("kubectl", "--kubeconfig", kubeconfig, isHeld ? "cordon" : "uncordon", nodeName);
  }

  /** Runs `npm run doctor -- --stack sandbox --fix --yes`, less npm. */
  fix(): Promise<Run> {
    return this.run(process.execPath, "tools/doctor.ts", "--stack", "sandbox", "--fix", "--yes");
  }

  /** What GitLab holds, asked without the proxy. */
  get gitlab() {
    return this.sandbox.gitlab;
  }

  /** Stops everything. */
  async remove(): Promise<void> {
    await Promise.all(Object.values(this.proxies).map((proxy) => proxy.stop()));
    await this.sandbox.remove();
  }
}
