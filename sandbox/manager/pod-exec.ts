import { randomBytes } from "node:crypto";
import { Readable, Writable } from "node:stream";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { Exec, type KubeConfig, type V1Status } from "@kubernetes/client-node";
import { partialLength } from "./phrase-filter.ts";

/** A shell script to run in a container. */
export interface PodCommand {
  /** Shell text. It is sent through stdin, so it never shows in a list of processes. */
  readonly script: string;
  /** Bytes that the script's commands read from stdin, and how many they are. */
  readonly input?: { readonly stream: Readable; readonly length: number };
  /** Takes stdout, and stderr too where that has no taker of its own. */
  readonly stdout: (chunk: Buffer) => void;
  readonly stderr?: (chunk: Buffer) => void;
  /** Ends the connection; the command's processes must be ended by {@link PodShell.kill}. */
  readonly signal?: AbortSignal;
}

/** The cluster cut the connection, or the shell went away without a word. */
export class PodExecError extends Error {
  override readonly name = "PodExecError";
}

/** How long after the exit code the rest of the output may come. */
const drainMs = 1_000;

// Reads as many bytes as the script has, and leaves the rest of stdin to it: not every kubelet closes stdin.
const launcher = [
  "shell=sh; command -v bash >/dev/null 2>&1 && shell=bash",
  "SANDBOX_POD=$1; export SANDBOX_POD",
  'script=$(head -c "$2"; printf .); script=${script%.}',
  // The shell reads the script from a pipe; the commands' own input stays on descriptor 3.
  'exec 3<&0; printf %s "$script" | "$shell"',
].join("\n");

/** Runs shell scripts in a container of one pod, over the API server's exec. */
export class PodShell {
  readonly #exec: Exec;
  readonly #namespace: string;
  readonly #pod: string;

  constructor(config: KubeConfig, namespace: string, pod: string) {
    this.#exec = new Exec(config);
    this.#namespace = namespace;
    this.#pod = pod;
  }

  /**
   * Runs a script and resolves to its exit code, which the script's shell prints last and which is taken out of stdout:
   * an exec on a simulated node says only that a command failed. Rejects with {@link PodExecError}.
   */
  async run(container: string, command: PodCommand): Promise<number> {
    const marker = Buffer.from(`\u001E${randomBytes(12).toString("hex")}:`);
    const merged = command.stderr === undefined ? "exec 2>&1\n" : "";
    const report = `printf '%s%d\\n' '${marker.toString()}' "$?"`;
    const script = Buffer.from(`${merged}(\n${command.script}\n) <&3\n${report}\nexit 0\n`);
    const exit = new ExitCodeFilter(marker, command.stdout);
    const output = (chunk: Buffer) => {
      exit.push(chunk);
    };
    const input = Readable.from(inputOf(script, command.input?.stream));
    const { status, close, fail } = await this.#open(
      container,
      ["sh", "-c", launcher, "sh", this.#pod, String(script.length)],
      { stdout: output, stderr: command.stderr ?? output, stdin: input },
    );
    const onAbort = () => {
      fail(new PodExecError("the command was stopped"));
    };
    command.signal?.addEventListener("abort", onAbort, { once: true });
    if (command.signal?.aborted === true) {
      onAbort();
    }
    // What the script left running in the background may keep the streams open for as long as it likes.
    const reported = exit.code.then(async (code) => {
      await sleep(drainMs, undefined, { ref: false });
      return code;
    });
    const ended = status.then(async (answer) => {
      // The last of stdout may arrive with the status.
      await nextTurn();
      const code = exit.finish() ?? exitCodeOf(answer);
      if (code !== undefined) {
        return code;
      }
      throw new PodExecError(`the command gave no exit code: ${answer.message ?? answer.status ?? "no status"}`);
    });
    try {
      return await Promise.race([ended, reported]);
    } finally {
      command.signal?.removeEventListener("abort", onAbort);
      input.destroy();
      close();
    }
  }

  /**
   * Ends every process that {@link run} started in the pod, and what those left behind. Only needed where the pod is
   * simulated: deleting a real one ends them.
   */
  async kill(container: string): Promise<void> {
    const mark = `SANDBOX_POD=${this.#pod}`;
    const sweep = `for signal in TERM KILL; do
      found=
      for process in /proc/[0-9]*; do
        id=\${process#/proc/}
        [ "$id" = "$$" ] && continue
        tr '\\0' '\\n' < "$process/environ" 2>/dev/null | grep -qx '${mark}' && kill -"$signal" "$id" 2>/dev/null && found=1
      done
      [ -z "$found" ] && break
      sleep 0.3
    done`;
    const nothing = () => undefined;
    const { status, close } = await this.#open(container, ["sh", "-c", sweep], { stdout: nothing, stderr: nothing });
    await status.finally(close);
  }

  async #open(container: string, argv: string[], streams: Streams): Promise<OpenCommand> {
    const { promise: status, resolve, reject } = Promise.withResolvers<V1Status>();
    const [stdout, stderr] = [sink(streams.stdout), sink(streams.stderr)];
    // The type of `isomorphic-ws` does not resolve.
    const socket = (await this.#exec
      .exec(this.#namespace, this.#pod, container, argv, stdout, stderr, streams.stdin ?? null, false, resolve)
      .catch((error: unknown) => {
        // An event of the connection, which is no Error; it has the status of the answer, such as 403, and not its text.
        throw new PodExecError(
          `unable to upgrade connection: ${(error as { message?: string }).message ?? "no reason"}`,
        );
      })) as unknown as EventTarget & { close(): void };
    socket.addEventListener("close", () => {
      reject(new PodExecError("the cluster closed the connection to the command"));
    });
    // Nobody may be waiting any more when the connection closes.
    status.catch(() => undefined);
    return {
      status,
      fail: reject,
      close: () => {
        socket.close();
      },
    };
  }
}

interface Streams {
  readonly stdout: (chunk: Buffer) => void;
  readonly stderr: (chunk: Buffer) => void;
  readonly stdin?: Readable;
}

interface OpenCommand {
  readonly status: Promise<V1Status>;
  readonly fail: (error: Error) => void;
  readonly close: () => void;
}

/** Passes output on without the marker and what follows it. */
class ExitCodeFilter {
  /** Resolves to the exit code as soon as it came. */
  readonly code: Promise<number>;
  readonly #resolve: (code: number) => void;
  readonly #marker: Buffer;
  readonly #next: (chunk: Buffer) => void;
  #held = Buffer.alloc(0);
  #tail: Buffer | undefined;

  constructor(marker: Buffer, next: (chunk: Buffer) => void) {
    this.#marker = marker;
    this.#next = next;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.code = promise;
    this.#resolve = resolve;
  }

  push(chunk: Buffer): void {
    if (this.#tail === undefined) {
      const bytes = Buffer.concat([this.#held, chunk]);
      const at = bytes.indexOf(this.#marker);
      const settled = at >= 0 ? at : bytes.length - partialLength(bytes, [this.#marker]);
      if (settled > 0) {
        this.#next(bytes.subarray(0, settled));
      }
      this.#held = Buffer.from(bytes.subarray(settled));
      if (at >= 0) {
        this.#tail = bytes.subarray(at + this.#marker.length);
      }
    } else {
      this.#tail = Buffer.concat([this.#tail, chunk]);
    }
    const code = this.#found();
    if (code !== undefined) {
      this.#resolve(code);
    }
  }

  /** The exit code, or undefined if it never came: then what was held back is passed on. */
  finish(): number | undefined {
    if (this.#tail === undefined && this.#held.length > 0) {
      this.#next(this.#held);
    }
    return this.#found();
  }

  #found(): number | undefined {
    const code = /^(\d+)\n/.exec(this.#tail?.toString("latin1") ?? "")?.[1];
    return code === undefined ? undefined : Number(code);
  }
}

function exitCodeOf(status: V1Status): number | undefined {
  if (status.status === "Success") {
    return 0;
  }
  const cause = status.details?.causes?.find(({ reason }) => reason === "ExitCode")?.message;
  const code = cause ?? /exit status (\d+)/.exec(status.message ?? "")?.[1];
  return code === undefined ? undefined : Number(code);
}

async function* inputOf(script: Buffer, stream: Readable | undefined): AsyncGenerator<Buffer> {
  yield script;
  if (stream !== undefined) {
    for await (const chunk of stream) {
      yield Buffer.from(chunk as Uint8Array);
    }
  }
}

function sink(take: (chunk: Buffer) => void): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      take(chunk);
      done();
    },
  });
}
