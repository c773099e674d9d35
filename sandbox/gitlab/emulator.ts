import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { createApp } from "./app.ts";
import { seedSchema, type EmulatorSeed } from "./seed.ts";
import { GitLabStore } from "./store.ts";

/** Settings of {@link startGitLabEmulator}. */
export interface EmulatorOptions {
  readonly seed: EmulatorSeed;
  /** Port on 127.0.0.1. @defaultValue 0: a free one */
  readonly port?: number;
  /** The time in milliseconds since the epoch. @defaultValue the machine's clock */
  readonly now?: () => number;
}

/** A running emulator. */
export interface GitLabEmulator {
  /** URL without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** Stops it and cuts the connections that are open. */
  close(): Promise<void>;
}

/** Starts an emulator on loopback; rejects if the seed is invalid or the port taken. */
export async function startGitLabEmulator(options: EmulatorOptions): Promise<GitLabEmulator> {
  const store = new GitLabStore(seedSchema.parse(options.seed), options.now ?? Date.now);
  const app = createApp(store);
  const listener = getRequestListener((request, env) => app.fetch(request, env), {
    // Do not replace the global Request and Response of the process that starts an emulator.
    overrideGlobalObjects: false,
  });
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new Error("the emulator listens on no port");
  }
  store.url = `http://127.0.0.1:${address.port}`;
  return {
    url: store.url,
    port: address.port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => {
          if (error) {
            reject(error);
          } else {
            resolve();
          }
        });
        server.closeAllConnections();
      }),
  };
}
