import { createServer as createPlainServer, request as plainRequest, type RequestListener } from "node:http";
import { createServer as createTlsServer, request as tlsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import getPort from "get-port";
import type { Fault } from "./faults.ts";

/** Where a proxy passes calls on to. */
export interface Upstream {
  readonly port: number;
  /** Certificate and key of a server that speaks HTTPS; its clients trust the proxy, too, which has the same. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
}

/** Stands before a server on loopback, passes calls on word for word, and lets a fault happen when it is told to. */
export class FaultyProxy {
  readonly port: number;
  readonly #upstream: Upstream;
  readonly #server;
  /** Is told of each call that is passed on. */
  onCall: (method: string, path: string) => void = () => undefined;
  #fault: Fault | undefined;
  #down: Promise<void> | undefined;
  #writes = 0;
  #met = 0;

  private constructor(port: number, upstream: Upstream) {
    this.port = port;
    this.#upstream = upstream;
    const listener: RequestListener = (request, response) => void this.#answer(request, response);
    this.#server = upstream.tls ? createTlsServer(upstream.tls, listener) : createPlainServer(listener);
  }

  /** Starts one on a free port of 127.0.0.1. */
  static async start(upstream: Upstream): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(await getPort({ host: "127.0.0.1" }), upstream);
    await proxy.#listen();
    return proxy;
  }

  /** From now on, counts calls anew and lets a fault happen, or none; resolves once the server is reached again. */
  async expect(fault: Fault | undefined): Promise<void> {
    await this.#down;
    this.#fault = fault;
    this.#writes = 0;
    this.#met = 0;
  }

  /** How many calls that change something there were since {@link expect}. */
  get writes(): number {
    return this.#writes;
  }

  /** How many calls the fault has met. */
  get met(): number {
    return this.#met;
  }

  /** Ends it, with the connections that are open. */
  async stop(): Promise<void> {
    if (this.#server.listening) {
      const closed = new Promise((resolve) => this.#server.close(resolve));
      this.#server.closeAllConnections();
      await closed;
    }
  }

  async #listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.port, "127.0.0.1", resolve));
  }

  /** The fault that meets this call: it begins with the writing call that was chosen, and meets so many from there on. */
  #meets(method = "GET"): Fault | undefined {
    const isWrite = !["GET", "HEAD", "OPTIONS"].includes(method);
    const fault = this.#fault;
    const hasBegun = fault !== undefined && (this.#met > 0 || (isWrite && this.#writes === fault.afterWrites));
    this.#writes += isWrite ? 1 : 0;
    if (!hasBegun || this.#met >= fault.calls) {
      return undefined;
    }
    this.#met += 1;
    return fault;
  }

  async #answer(...[incoming, outgoing]: Parameters<RequestListener>): Promise<void> {
    const fault = this.#meets(incoming.method);
    switch (fault?.kind) {
      case "connection closed":
        incoming.socket.destroy();
        return;
      case "down":
        this.#down = this.stop()
          .then(() => sleep(fault.seconds * 1000))
          .then(() => this.#listen());
        return;
      case "500":
      case "429":
        incoming.resume();
        outgoing.writeHead(Number(fault.kind), fault.kind === "429" ? { "Retry-After": String(fault.seconds) } : {});
        outgoing.end();
        return;
      case "late":
        await sleep(fault.seconds * 1000);
        break;
      case "response lost":
      case undefined:
    }
    const { port, tls } = this.#upstream;
    const { method = "GET", url = "/", headers } = incoming;
    this.onCall(method, url);
    const options = { host: "127.0.0.1", port, method, path: url, headers };
    const passedOn = tls ? tlsRequest({ ...options, ca: tls.cert }) : plainRequest(options);
    const drop = () => outgoing.destroy();
    passedOn.on("error", drop).on("response", (answer) => {
      if (fault?.kind === "response lost") {
        answer.resume().on("end", () => incoming.socket.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      answer.on("error", drop).pipe(outgoing);
    });
    outgoing.on("close", () => passedOn.destroy());
    incoming.pipe(passedOn);
  }
}
