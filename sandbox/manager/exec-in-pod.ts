import { Readable, Writable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Exec, type KubeConfig, type V1Status } from "@kubernetes/client-node";

/** A shell script to run in a container. */
export interface PodCommand {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** The script. It is sent through stdin, so it never shows in a list of processes. */
  readonly script: string;
  /** Receives stdout and stderr. */
  readonly output: (chunk: Buffer) => void;
  /** Aborts; on a simulated node, processes that the script has started run on until `npm run sandbox -- down`. */
  readonly signal: AbortSignal;
}

// $1 is the script's length, since not every kubelet closes stdin. Only its exit code is sent on stderr, since an exec on a
// simulated node reports only that a command failed.
const launcher = `shell=sh; command -v bash >/dev/null && shell=bash; head -c "$1" | "$shell" 2>&1; echo $? >&2`;

/**
 * Runs a shell script in a container, over the API server's exec.
 * @returns its exit code, once all its processes have ended. Rejects if the cluster refuses or cuts the connection, or at
 * the signal.
 */
export async function execInPod(config: KubeConfig, command: PodCommand): Promise<number> {
  const { namespace, pod, container, signal } = command;
  signal.throwIfAborted();
  const script = Buffer.from(command.script);
  let exitCode = "";
  const { promise: ended, resolve, reject } = Promise.withResolvers<V1Status>();
  // The type of `isomorphic-ws` does not resolve.
  const socket = (await new Exec(config)
    .exec(
      namespace,
      pod,
      container,
      ["sh", "-c", launcher, "sh", String(script.length)],
      sink(command.output),
      sink((chunk) => (exitCode += chunk.toString())),
      Readable.from([script]),
      false,
      resolve,
    )
    .catch((error: unknown) => {
      // A WebSocket event, not an Error; it has the status of the response, such as 403, but not its text.
      throw new Error(`unable to upgrade connection: ${(error as { message?: string }).message ?? "no reason"}`);
    })) as unknown as EventTarget & { close(): void };
  const giveUp = () => {
    reject(new Error("the command was stopped"));
  };
  socket.addEventListener("close", () => {
    reject(new Error("the cluster closed the connection to the command"));
  });
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    const { status, message } = await ended;
    // The rest of the output may arrive together with the status.
    await nextTurn();
    if (!/^\d+\n$/.test(exitCode)) {
      throw new Error(`the command gave no exit code: ${message ?? status ?? "no status"}`);
    }
    return Number(exitCode);
  } finally {
    signal.removeEventListener("abort", giveUp);
    socket.close();
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
