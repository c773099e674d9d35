import { connect } from "node:net";

/** An answer, as its bytes say it. */
export interface HttpAnswer {
  /** Undefined where the server closed the connection without one. */
  readonly status: number | undefined;
  /** Lines of the head, and what follows. */
  readonly text: string;
}

/** How long to wait for an answer, in milliseconds. */
const patience = 5_000;

/**
 * Sends bytes that need not be HTTP, and reads until the server closes the connection, or begins a stream of events.
 * @param bytes what to send; afterwards nothing more comes
 * @param options `mayHang`: the protocol allows the server to wait for more
 */
export function exchange(port: number, bytes: Buffer, { mayHang = false } = {}): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      const text = Buffer.concat(chunks).toString("latin1");
      const [, status] = /^(?:HTTP\/1\.1 1\d\d [^]*?\r\n\r\n)*HTTP\/1\.1 (\d{3}) /.exec(text) ?? [];
      resolve({ status: status === undefined ? undefined : Number(status), text });
    };
    const timer = setTimeout(() => {
      if (mayHang) {
        done();
        return;
      }
      socket.destroy();
      reject(new Error(`no answer within ${patience / 1000} s`));
    }, patience);
    socket
      .on("data", (chunk) => {
        chunks.push(chunk);
        if (/^content-type: text\/event-stream/im.test(chunk.toString("latin1"))) {
          done();
        }
      })
      .on("close", done)
      .on("end", done)
      // A server that does not want to read more closes the connection.
      .on("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "EPIPE" || error.code === "ECONNRESET") {
          done();
        } else {
          clearTimeout(timer);
          reject(error);
        }
      })
      .end(bytes);
  });
}
