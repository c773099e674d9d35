import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";
import { repository } from "../../tools/repository.ts";
import { sandboxEnvironment } from "../../sandbox/environment.ts";
import { SandboxFolder } from "../../sandbox/sandbox-folder.ts";
import type { PageSnapshot } from "../../tools/status/snapshot.ts";
import { requiredProgram } from "./required-program.ts";
import { SandboxUnderTest } from "./sandbox-under-test.ts";

/** A terminal of 80 columns and 24 lines, with a shell in it, on a tmux server of its own. */
class Tmux {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  async start(): Promise<void> {
    // No configuration of the user's own.
    await this.#run("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "env", "PS1=$ ", "sh");
  }

  /** Types a line, or presses a key. */
  async press(...keys: string[]): Promise<void> {
    await this.#run("send-keys", ...keys);
  }

  /** What is on the screen, after checking that it fits. */
  async screen(): Promise<string> {
    const text = await this.#run("capture-pane", "-p");
    const lines = text.split("\n");
    assert.ok(lines.length <= 24 && lines.every((line) => line.length <= 80), text);
    return text;
  }

  /** Waits for a screen that matches, and returns it. */
  async shows(pattern: RegExp, limit = 20_000): Promise<string> {
    const deadline = Date.now() + limit;
    for (;;) {
      const text = await this.screen();
      if (pattern.test(text)) {
        return text;
      }
      assert.ok(Date.now() < deadline, `${String(pattern)} did not come:\n${text}`);
      await sleep(100);
    }
  }

  /** Something that tmux knows of the terminal, such as `cursor_flag`. */
  async state(name: string): Promise<string> {
    return (await this.#run("display-message", "-p", `#{${name}}`)).trim();
  }

  async stop(): Promise<void> {
    await this.#run("kill-server").catch(() => undefined);
  }

  async #run(...args: string[]): Promise<string> {
    const { stdout } = await execa("tmux", ["-S", this.#socket, "-u", ...args], { timeout: 10_000 });
    return stdout;
  }
}

describe("npm run status, against a sandbox", { timeout: 5 * 60_000 }, () => {
  const sandbox = new SandboxUnderTest();
  const tmux = new Tmux(`${sandbox.path}.tmux`);
  /** Every password, token and key that there is. */
  let secrets: readonly string[] = [];
  const command = [process.execPath, join(repository, "tools/status.ts"), "--stack", "sandbox"];

  before(async () => {
    const [up] = await Promise.all([sandbox.command("up"), requiredProgram("tmux")]);
    assert.equal(up.exitCode, 0, up.all);
    await tmux.start();
    secrets = await readSecrets();
  });
  after(async () => {
    await tmux.stop();
    await sandbox.remove();
  });

  async function readSecrets(): Promise<string[]> {
    const { items } = await sandbox.kubectl<{ items: { data?: Record<string, string> }[] }>(
      ...["--namespace", "gitlab-runner", "get", "secrets", "--field-selector", "type=Opaque"],
    );
    const inCluster = items.flatMap(({ data = {} }) => Object.values(data));
    const own = ["passphrase", "kubernetesToken", "minioPassword", "gitlabToken", "emulatorToken"];
    return [
      ...own.flatMap((name) => sandbox.state.secrets[name] ?? []),
      ...inCluster.flatMap((value) => [value, Buffer.from(value, "base64").toString()]),
    ].filter((secret) => secret !== "");
  }

  describe("once", { concurrency: true }, () => {
    test("prints the screen as plain text, without a secret", async () => {
      const { stdout, all, exitCode } = await sandbox.command("exec", "--", ...command, "--once");
      assert.equal(exitCode, 0, all);
      assert.equal(stdout, stripVTControlCharacters(stdout));
      assert.match(stdout, /^Stack sandbox, gitlab-runner-0\.86\.0, namespace gitlab-runner +\d\d:\d\d:\d\d$/m);
      assert.match(
        stdout,
        /^RUNNER {4}#1 k8s-homelab-runner, never contacted\n +tags kubernetes, homelab; project homelab\/inf/m,
      );
      assert.match(
        stdout,
        /^MANAGERS {2}gitlab-runner-\S+ +Running +1\/1 ready +0 restarts +\d+[sm]\n +none has contacted GitLab/m,
      );
      assert.match(stdout, /^JOBS {6}none is running$/m);
      assert.match(stdout, /^CACHE {5}gitlab-runner-cache: 0 objects, 0 B$/m);
      assert.match(stdout, /^EVENTS +\d+[sm] +\S+ +\S+ +\S/m);
      for (const secret of secrets) {
        assert.ok(!all.includes(secret), "a secret is on the screen");
      }
    });

    test("fails where a server gives no answer, names it, and shows the rest", async () => {
      const wrong = await sandbox.command(
        "exec",
        "--",
        "env",
        "GITLAB_TOKEN=glpat-wrong-0123456789",
        ...command,
        "--once",
      );
      assert.equal(wrong.exitCode, 1, wrong.all);
      assert.match(wrong.stdout, /^RUNNER {4}GitLab: HTTP 401: /m);
      assert.match(wrong.stdout, /^MANAGERS {2}gitlab-runner-\S+ +Running/m);
      assert.match(wrong.stdout, /^CACHE {5}gitlab-runner-cache: 0 objects/m);
      assert.ok(!wrong.all.includes("glpat-wrong"));
    });
  });

  test("serves a page with the runner and the logs of its jobs, without a secret, until Ctrl-C", async () => {
    const jobFile = `${sandbox.path}.secret.gitlab-ci.yml`;
    const token = sandbox.state.secrets["gitlabToken"] ?? "";
    writeFileSync(jobFile, JSON.stringify({ leak: { tags: ["kubernetes"], script: [`echo "a token: ${token}"`] } }));
    const job = await sandbox.command("job", jobFile);
    assert.equal(job.exitCode, 0, job.all);

    const page = execa(command[0] ?? "", [...command.slice(1), "--web"], {
      cwd: repository,
      env: sandboxEnvironment(new SandboxFolder(sandbox.path), sandbox.state),
      extendEnv: false,
      reject: false,
      stdin: "ignore",
      timeout: 60_000,
    });
    const { promise: printed, resolve } = Promise.withResolvers<string>();
    let output = "";
    page.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      const [, found] = /^Open in a browser: (http:\/\/127\.0\.0\.1:\d+)\nCtrl-C quits\.$/m.exec(output) ?? [];
      if (found !== undefined) {
        resolve(found);
      }
    });
    const url = await printed;
    const { text, snapshot } = await pageShows(url);
    assert.partialDeepStrictEqual(snapshot, {
      stack: { data: { name: "sandbox", chart: "gitlab-runner-0.86.0", namespaces: ["gitlab-runner"] } },
      gitlab: {
        data: {
          runner: { id: 1, description: "k8s-homelab-runner", status: "online", tags: ["kubernetes", "homelab"] },
          jobs: [{ id: 1, name: "leak", status: "success", project: { path: "homelab/infrastructure" } }],
        },
      },
      cluster: { data: { pods: [{ role: "manager", state: "Running", ready: 1 }] } },
      cache: { data: { bucket: "gitlab-runner-cache", count: 0 } },
      text: { title: "Stack sandbox" },
    });
    const log = await (await fetch(`${url}/jobs/1/trace`)).text();
    assert.match(log, /a token: \[/);
    const served = [text, log, await (await fetch(url)).text()].join("\n");
    for (const secret of secrets) {
      assert.ok(!served.includes(secret), "a secret was served");
    }
    page.kill("SIGINT");
    assert.equal((await page).exitCode, 0);
    await assert.rejects(fetch(url));
  });

  /** The events of a page until all sources have answered. */
  async function pageShows(url: string): Promise<{ text: string; snapshot: PageSnapshot }> {
    let text = "";
    for await (const chunk of (await fetch(`${url}/events`)).body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      const [, data] = [...text.matchAll(/^event: snapshot\ndata: (.*)\n/gm)].at(-1) ?? [];
      const snapshot = data === undefined ? undefined : (JSON.parse(data) as PageSnapshot);
      if (snapshot && [snapshot.gitlab, snapshot.cluster, snapshot.cache].every((part) => part.data !== undefined)) {
        return { text, snapshot };
      }
    }
    throw new Error(`not all have answered:\n${text}`);
  }

  test("shows a job's pod in a terminal while it runs, goes on without MinIO, and gives the terminal back", async () => {
    const jobFile = join(`${sandbox.path}.gitlab-ci.yml`);
    const job = { build: { tags: ["kubernetes"], script: ["sleep 6"] } };
    // JSON is YAML, too.
    writeFileSync(jobFile, JSON.stringify(job));
    const main = join(repository, "sandbox/main.ts");
    const line = [process.execPath, main, "--dir", sandbox.path, "exec", "--", ...command, "--interval", "1"];
    await tmux.press("-l", line.join(" "));
    await tmux.press("Enter");

    const idle = await tmux.shows(/^JOBS {6}none is running$[^]*^CACHE {5}gitlab-runner-cache: 0 objects, 0 B$/m);
    assert.match(idle, /^q quits; updated every 1 s$/m);
    assert.equal(await tmux.state("alternate_on"), "1");

    const running = sandbox.command("job", jobFile);
    const busy = await tmux.shows(
      /^JOBS {6}homelab\/infrastructure {2}#2 build {2}Running {2}\d+s {2}runner-\S+$/m,
      30_000,
    );
    await tmux.shows(/^RUNNER {4}#1 k8s-homelab-runner, online, last contact \d+s ago$/m);
    await tmux.shows(/^MANAGERS {2}gitlab-runner-.*\n {10}r_\S+ {2}version \S.* {2}online {2}contact \d+s ago$/m);
    await tmux.shows(/^EVENTS {4}\d+s +Pod\/runner-\S+ +Scheduled/m);
    await tmux.shows(/^JOBS {6}none is running$/m, 30_000);
    const { exitCode, all } = await running;
    assert.equal(exitCode, 0, all);

    const minio = sandbox.state.servers.find(({ name }) => name === "minio");
    process.kill(minio?.pid ?? 0, "SIGKILL");
    const partial = await tmux.shows(/^CACHE {5}Object store: .*ECONNREFUSED/m);
    assert.match(partial, /^RUNNER {4}#1 k8s-homelab-runner, online/m);
    assert.match(partial, /^JOBS {6}none is running$/m);
    for (const secret of secrets) {
      assert.ok(![idle, busy, partial].join("\n").includes(secret), "a secret is on the screen");
    }

    await tmux.press("q");
    // The shell is there again.
    await tmux.shows(/^\$$/m);
    await tmux.press("-l", "echo ended with $?; stty -a | grep -o '[-]*icanon'");
    await tmux.press("Enter");
    // Lines are read as lines again, not key by key.
    const end = await tmux.shows(/^ended with 0\nicanon$/m);
    assert.doesNotMatch(end, /^JOBS/m);
    assert.equal(await tmux.state("alternate_on"), "0");
    assert.equal(await tmux.state("cursor_flag"), "1");
  });
});
