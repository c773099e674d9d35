import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import stripAnsi from "strip-ansi";
import type { CommandResult } from "../sandbox-under-test.ts";

/** The terminal of someone who follows a guide: variables and the folder stay from one block of commands to the next. */
export class GuideShell {
  readonly #scratch = mkdtempSync(join(tmpdir(), "gitlab-runner-guide-"));
  readonly #stops: (() => void)[] = [];

  /**
   * @param folder - where it starts
   * @param environment - all variables that it starts with
   */
  constructor(folder: string, environment: Readonly<Record<string, string>>) {
    writeFileSync(this.#file("folder"), folder);
    const variables = Object.entries(environment).map(
      ([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`,
    );
    writeFileSync(this.#file("environment"), variables.join(""), { mode: 0o600 });
  }

  /**
   * Runs commands; the first that fails ends it.
   * @param input - what one types, or pastes
   */
  async run(commands: string, input = ""): Promise<CommandResult> {
    const result = await execa(
      "bash",
      this.#arguments(`${commands}\nexport -p > "$0/environment"; pwd > "$0/folder"`),
      {
        env: {},
        extendEnv: false,
        all: true,
        reject: false,
        input,
        timeout: 5 * 60_000,
      },
    );
    return { stdout: stripAnsi(result.stdout), all: stripAnsi(result.all), exitCode: result.exitCode };
  }

  /**
   * Runs commands in a second terminal, and waits until they print something.
   * @throws Error when they end, or print nothing
   */
  async start(commands: string): Promise<void> {
    const child = this.#inBackground(commands);
    this.#stops.push(() => {
      if (child.exitCode === null) {
        process.kill(-(child.pid ?? 0), "SIGTERM");
      }
    });
    let printed = "";
    child.all.on("data", (data: Buffer) => (printed += data.toString()));
    for (let waited = 0; waited < 30_000 && printed === "" && child.exitCode === null; waited += 100) {
      await sleep(100);
    }
    if (child.exitCode !== null || printed === "") {
      throw new Error(`it should go on, but has ended with ${child.exitCode ?? "no word"}: ${printed}\n${commands}`);
    }
  }

  /**
   * Runs commands, and kills them and all that they have started as soon as something is so.
   * @throws Error when they end before
   */
  async kill(commands: string, when: () => Promise<boolean>): Promise<void> {
    const child = this.#inBackground(commands);
    while (!(await when())) {
      if (child.exitCode !== null) {
        throw new Error(`it ended with ${child.exitCode} before it could be killed: ${commands}`);
      }
      await sleep(20);
    }
    process.kill(-(child.pid ?? 0), "SIGKILL");
    await child;
  }

  /** Closes the second terminals. */
  closeSecondTerminals(): void {
    this.#stops.splice(0).forEach((stop) => {
      stop();
    });
  }

  close(): void {
    this.closeSecondTerminals();
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  #inBackground(commands: string) {
    return execa("bash", this.#arguments(commands), {
      env: {},
      extendEnv: false,
      all: true,
      reject: false,
      stdin: "ignore",
      // A group of its own, which is stopped as a whole.
      detached: true,
      buffer: false,
    });
  }

  #arguments(commands: string): string[] {
    const script = `set -eo pipefail\nsource "$0/environment"\ncd "$(cat "$0/folder")"\n${commands}`;
    return ["--noprofile", "--norc", "-c", script, this.#scratch];
  }

  #file(name: string): string {
    return join(this.#scratch, name);
  }
}
