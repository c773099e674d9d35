import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Gitlab } from "@gitbeaker/rest";
import { execa } from "execa";
import { gitlabUrl, minioServer } from "../../sandbox/environment.ts";
import { SandboxFolder, type SandboxState } from "../../sandbox/sandbox-folder.ts";
import { repository } from "../../tools/repository.ts";

/** What a command printed, and how it ended. */
export interface CommandResult {
  readonly stdout: string;
  /** Both streams, as a person would see them. */
  readonly all: string;
  readonly exitCode: number | undefined;
}

/** A sandbox of a test's own, in a folder of its own, driven by the commands that a user has. */
export class SandboxUnderTest {
  readonly #parent = mkdtempSync(join(tmpdir(), "gitlab-runner-test-"));
  readonly path = join(this.#parent, "sandbox");

  /** Runs `npm run sandbox -- ARGS`, less npm. */
  async command(...args: string[]): Promise<CommandResult> {
    const result = await execa(process.execPath, [join(repository, "sandbox/main.ts"), "--dir", this.path, ...args], {
      all: true,
      reject: false,
      stdin: "ignore",
      timeout: 10 * 60_000,
    });
    return { stdout: result.stdout, all: result.all, exitCode: result.exitCode };
  }

  /** Runs a command against the sandbox, and rejects when it fails. */
  async exec(...args: string[]): Promise<string> {
    const { all, stdout, exitCode } = await this.command("exec", "--", ...args);
    if (exitCode !== 0) {
      throw new Error(`${args.join(" ")} ended with ${exitCode ?? "a signal"}:\n${all}`);
    }
    return stdout;
  }

  /** What `kubectl` gives as JSON. */
  async kubectl<T = { items: { metadata: { name: string } }[] }>(...args: string[]): Promise<T> {
    return JSON.parse(await this.exec("kubectl", ...args, "--output", "json")) as T;
  }

  /** The stack's outputs. */
  async outputs(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.exec("pulumi", "stack", "output", "--json")) as Record<string, unknown>;
  }

  /** The sandbox's own notes, with its ports and secrets. */
  get state(): SandboxState {
    const state = new SandboxFolder(this.path).read();
    if (state === undefined) {
      throw new Error(`no sandbox in ${this.path}`);
    }
    return state;
  }

  /** A client of the emulated GitLab that no one here wrote. */
  get gitlab() {
    return new Gitlab({ host: gitlabUrl(this.state), token: this.state.secrets["gitlabToken"] ?? "" });
  }

  /** `host:port` of its MinIO. */
  get minio(): string {
    return minioServer(this.state);
  }

  /** Stops it, whatever state it is in, and deletes its folder. */
  async remove(): Promise<void> {
    await this.command("down");
    rmSync(this.#parent, { recursive: true, force: true });
  }
}
