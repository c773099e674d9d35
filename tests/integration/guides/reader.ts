import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import getPort from "get-port";
import { parseDocument } from "yaml";
import { gitlabUrl, minioServer, sandboxEnvironment } from "../../../sandbox/environment.ts";
import { managerOf, type DeployedManager } from "../../../sandbox/deployed-manager.ts";
import { runCiJob } from "../../../sandbox/run-ci-job.ts";
import { SandboxFolder } from "../../../sandbox/sandbox-folder.ts";
import { copyCheckout } from "../checkout.ts";
import { requiredProgram } from "../required-program.ts";
import type { CommandResult, SandboxUnderTest } from "../sandbox-under-test.ts";
import type { Step } from "./guide.ts";
import { GuideShell } from "./guide-shell.ts";

/** Someone who follows the guides: a home, a clone of the repository, and a sandbox in place of the servers that they name. */
export class Reader {
  readonly #sandbox: SandboxUnderTest;
  readonly #home = mkdtempSync(join(tmpdir(), "gitlab-runner-reader-"));
  /** The clone, with what is not committed yet; nothing is installed in it. */
  readonly clone = join(this.#home, "gitlab-runner-stack");
  readonly #shell: GuideShell;
  /** Addresses in the guides, and what the sandbox has in their place. */
  readonly #places: readonly (readonly [string, string])[];

  private constructor(sandbox: SandboxUnderTest, minioPort: number) {
    this.#sandbox = sandbox;
    const charts = `http://127.0.0.1:${sandbox.state.ports["charts"] ?? 0}`;
    this.#places = [
      ["https://gitlab.example.com", gitlabUrl(sandbox.state)],
      ["https://charts.gitlab.io", charts],
      ["https://charts.min.io", charts],
      // The local end of `kubectl port-forward`, where something else may listen on this machine.
      ["9000:9000", `${minioPort}:9000`],
      ["localhost:9000", `localhost:${minioPort}`],
    ];
    this.#shell = new GuideShell(this.clone, this.#environment());
  }

  /**
   * Starts with an empty cluster and MinIO: what the sandbox had deployed is taken away.
   * @param reachesMinio - whether MinIO is at `localhost:9000` from the start; the guides open a port for it otherwise
   */
  static async create(sandbox: SandboxUnderTest, reachesMinio = false): Promise<Reader> {
    // The guides' own; all others are the sandbox's.
    await requiredProgram("openssl");
    await requiredProgram("git");
    const { all, exitCode } = await sandbox.command("up");
    if (exitCode !== 0) {
      throw new Error(all);
    }
    await sandbox.exec("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive");
    const minioPort = reachesMinio ? sandbox.state.ports["minio"] : undefined;
    const reader = new Reader(sandbox, minioPort ?? (await getPort({ host: "127.0.0.1" })));
    mkdirSync(reader.clone);
    await copyCheckout(reader.clone);
    const git = (...args: string[]) => execa("git", args, { cwd: reader.clone });
    await git("init", "--quiet", "--initial-branch", "main");
    await git("config", "user.name", "reader");
    await git("config", "user.email", "reader@example.com");
    await git("add", ".");
    await git("commit", "--quiet", "--message", "as it is");
    reader.#writeStandIns();
    return reader;
  }

  /**
   * Runs a block of commands of a guide.
   * @param answer - what one types when it asks, such as for a token
   */
  async follow(step: Step, answer?: string): Promise<CommandResult> {
    if (step.marks.includes("second-terminal")) {
      await this.#shell.start(this.here(step.commands));
      return { stdout: "", all: "", exitCode: 0 };
    }
    return this.#execute(step.commands, answer);
  }

  /** Runs a command as in a guide, which must succeed. */
  async run(command: string): Promise<string> {
    const { all, exitCode } = await this.#execute(command);
    if (exitCode !== 0) {
      throw new Error(`${command}\n${all}`);
    }
    return all;
  }

  /**
   * Runs a command that must fail.
   * @returns what it prints
   */
  async failing(command: string): Promise<string> {
    const { all, exitCode } = await this.#execute(command);
    if (exitCode === 0) {
      throw new Error(`${command} should have failed:\n${all}`);
    }
    return all;
  }

  /** Runs a command, and kills it as soon as something is so. */
  async killed(command: string, when: () => Promise<boolean>): Promise<void> {
    await this.#shell.kill(this.here(command), when);
  }

  /** Whether a folder of the reader's home has files. */
  hasFiles(folder: string): Promise<boolean> {
    const path = join(this.#home, folder);
    return Promise.resolve(existsSync(path) && readdirSync(path).length > 0);
  }

  /** A text of a guide with the sandbox's addresses. */
  here(text: string): string {
    return this.#places.reduce((changed, [documented, real]) => changed.replaceAll(documented, real), text);
  }

  /**
   * Gives a deployed runner a job.
   * @param manager - where it is deployed, unless by the stack
   */
  async job(
    content: string,
    manager?: DeployedManager,
  ): Promise<{ readonly succeeded: boolean; readonly trace: string }> {
    const file = join(this.#home, "job.gitlab-ci.yml");
    writeFileSync(file, content);
    const outputs = async () => JSON.parse(await this.run("pulumi stack output --json")) as Record<string, unknown>;
    const deployed = manager ?? managerOf(await outputs());
    let trace = "";
    const sandbox = { folder: new SandboxFolder(this.#sandbox.path), state: this.#sandbox.state };
    const succeeded = await runCiJob(sandbox, deployed, file, (text) => (trace += text));
    return { succeeded, trace };
  }

  closeSecondTerminals(): void {
    this.#shell.closeSecondTerminals();
  }

  close(): void {
    this.#shell.close();
    rmSync(this.#home, { recursive: true, force: true });
  }

  #execute(commands: string, answer?: string): Promise<CommandResult> {
    this.#pointAtSandbox();
    return this.#shell.run(this.here(commands), answer);
  }

  /** The sandbox's tools and Pulumi plugins, and none of its addresses and credentials: those are for the guides to give. */
  #environment(): Record<string, string> {
    const folder = new SandboxFolder(this.#sandbox.path);
    const environment = sandboxEnvironment(folder, this.#sandbox.state);
    const kept =
      /^(?!PULUMI_|GITLAB_|MINIO_|MC_|KUBE|HELM_|AWS_|npm_|INIT_CWD$|XDG_|CI$)|^PULUMI_(HOME|IGNORE_AMBIENT|DISABLE_AUTO|SKIP_UPDATE)/;
    return {
      ...Object.fromEntries(Object.entries(environment).filter(([name]) => kept.test(name))),
      HOME: this.#home,
      // Where the sandbox's tools are, which the README would otherwise build anew; Helm's own goes to the reader's home.
      XDG_CACHE_HOME: process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
      HELM_CACHE_HOME: join(this.#home, ".cache", "helm"),
      PATH: `${join(this.#home, "bin")}:${environment["PATH"] ?? ""}`,
      // Someone who answers yes.
      PULUMI_SKIP_CONFIRMATIONS: "true",
    };
  }

  /** `sudo`, `k3s`, `microk8s` and `glab`, as far as the guides use them. */
  #writeStandIns(): void {
    const bin = join(this.#home, "bin");
    mkdirSync(bin);
    const kubeconfig = readFileSync(join(this.#sandbox.path, "kubernetes", "kubeconfig"), "utf8");
    const programs = {
      sudo: 'exec "$@"',
      k3s: this.#printing("kubectl config view --raw", kubeconfig.replaceAll("sandbox", "default")),
      microk8s: this.#printing("config", kubeconfig.replaceAll("sandbox", "microk8s"), [
        "enable hostpath-storage",
        "enable rbac",
        "status --wait-ready",
      ]),
      glab: this.#glab(),
    };
    for (const [name, script] of Object.entries(programs)) {
      writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(bin, name), 0o755);
    }
  }

  /** As someone who has logged in to GitLab. */
  #glab(): string {
    const { state } = this.#sandbox;
    const login = `GLAB_URL='${gitlabUrl(state)}' GLAB_TOKEN='${state.secrets["gitlabToken"] ?? ""}'`;
    return `${login} exec '${process.execPath}' '${join(import.meta.dirname, "glab.ts")}' "$@"`;
  }

  #printing(given: string, text: string, silent: readonly string[] = []): string {
    return [
      'case "$*" in',
      `"${given}") cat <<'END'\n${text}\nEND\n;;`,
      ...silent.map((each) => `"${each}") ;;`),
      '*) echo "no stand-in for: $0 $*" >&2; exit 64;;',
      "esac",
    ].join("\n");
  }

  /** Adds the addresses that a stack has by default, and that a test cannot reach, to each stack's file. */
  #pointAtSandbox(): void {
    const { state } = this.#sandbox;
    const files = readdirSync(this.clone).filter((name) => /^Pulumi\.[\w-]+\.yaml$/.test(name));
    for (const name of files.filter((each) => each !== "Pulumi.homelab.yaml")) {
      const path = join(this.clone, name);
      const file = parseDocument(readFileSync(path, "utf8"));
      const setUnlessSet = (keys: readonly string[], value: string, byDefault?: string) => {
        if ([undefined, byDefault].includes(file.getIn(["config", ...keys]) as string | undefined)) {
          file.setIn(["config", ...keys], value);
        }
      };
      setUnlessSet(["gitlab:baseUrl"], `${gitlabUrl(state)}/api/v4/`);
      setUnlessSet(["gitlab-runner:gitlabUrl"], gitlabUrl(state));
      if (file.hasIn(["config", "gitlab-runner:chart", "path"])) {
        file.deleteIn(["config", "gitlab-runner:chart", "repository"]);
      } else {
        setUnlessSet(["gitlab-runner:chart", "repository"], this.here("https://charts.gitlab.io"));
      }
      setUnlessSet(["gitlab-runner:cache", "server"], minioServer(state), "minio.minio.svc.cluster.local:9000");
      writeFileSync(path, file.toString({ lineWidth: 0 }));
    }
  }
}
