import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import { join } from "node:path";
import { kubeconfigFile } from "../../sandbox/cluster.ts";
import { gitlabUrl } from "../../sandbox/environment.ts";
import { SandboxFolder } from "../../sandbox/sandbox-folder.ts";
import type { Looks } from "./looking.ts";
import type { SandboxUnderTest } from "./sandbox-under-test.ts";

/** What a {@link CredentialsWatch} has seen. */
export interface Watched extends Looks {
  /** Names of the Secrets and ConfigMaps that live pods of the manager mounted, in the order in which they were first seen. */
  readonly mounted: readonly string[];
  /** What a live pod mounted that was not there, or was not accepted. */
  readonly violations: readonly string[];
}

/** Where to look. */
export interface WatchInput {
  /** Path of the kubeconfig. */
  readonly kubeconfig: string;
  /** Address of GitLab. */
  readonly gitlab: string;
  /** `host:port` of MinIO. */
  readonly minio: string;
  readonly bucket: string;
}

/**
 * Looks, fifty times a second, whether every Secret and ConfigMap that the live pods of the manager mount is there, and
 * whether GitLab and MinIO accept what is in them. It has its own process, which comes before others where the user may say so:
 * between two looks, the deployment that it watches must not get far.
 */
export class CredentialsWatch {
  readonly #process: ChildProcess;
  #watched: Promise<Watched> | undefined;

  private constructor(child: ChildProcess) {
    this.#process = child;
  }

  static async start(sandbox: SandboxUnderTest, bucket: string): Promise<CredentialsWatch> {
    const input: WatchInput = {
      kubeconfig: kubeconfigFile(new SandboxFolder(sandbox.path)),
      gitlab: gitlabUrl(sandbox.state),
      minio: sandbox.minio,
      bucket,
    };
    const child = fork(join(import.meta.dirname, "credentials-watcher.ts"), [JSON.stringify(input)], { execArgv: [] });
    try {
      setPriority(child.pid ?? 0, -10);
    } catch {
      // Only root may.
    }
    await Promise.race([once(child, "message"), failure(child)]);
    return new CredentialsWatch(child);
  }

  /** Ends it, if it has not ended yet; rejects where it could not look. */
  end(): Promise<Watched> {
    this.#watched ??= this.#end();
    return this.#watched;
  }

  async #end(): Promise<Watched> {
    const watched = Promise.race([once(this.#process, "message"), failure(this.#process)]);
    this.#process.send("end");
    const [message] = (await watched) as [Watched];
    return message;
  }
}

async function failure(child: ChildProcess): Promise<never> {
  await once(child, "exit");
  throw new Error("the watch of the credentials has failed; its message is above");
}
