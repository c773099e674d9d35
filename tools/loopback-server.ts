import { serve } from "@hono/node-server";
import type { Hono } from "hono";

/** A server that answers on loopback. */
export interface LoopbackServer {
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Stops answering and cuts open connections. */
  stop(): Promise<void>;
}

/** Serves an application on 127.0.0.1; rejects if the port is taken. @param port any free one without it */
export async function serveOnLoopback(app: Pick<Hono, "fetch">, port = 0): Promise<LoopbackServer> {
  const { promise: listening, resolve: onListening, reject: onError } = Promise.withResolvers<number>();
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port }, (address) => {
    onListening(address.port);
  });
  server.once("error", onError);
  const ownPort = await listening;
  return {
    port: ownPort,
    url: `http://127.0.0.1:${ownPort}`,
    stop: async () => {
      const closed = new Promise<void>((done) =>
        server.close(() => {
          done();
        }),
      );
      if ("closeAllConnections" in server) {
        server.closeAllConnections();
      }
      await closed;
    },
  };
}
