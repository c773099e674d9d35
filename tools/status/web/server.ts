import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { streamSSE } from "hono/streaming";
import { describeError } from "../../clients/describe-error.ts";
import type { Masker } from "../../doctor/masker.ts";
import { serveOnLoopback, type LoopbackServer } from "../../loopback-server.ts";
import type { PageSnapshot, PageText, Snapshot } from "../snapshot.ts";
import type { Watcher } from "../watcher.ts";
import { renderTrace } from "./trace.ts";

/** What {@link startPage} shows, and where. */
export interface PageOptions {
  /** Port on 127.0.0.1. @defaultValue any free one */
  readonly port?: number;
  readonly text: PageText;
  readonly watcher: Watcher;
  /**
   * Takes secrets out of all that is sent. What the watcher tells comes without secrets already; this is for what a job prints
   * that nobody masked, and for the messages of errors.
   */
  readonly masker: Masker;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

const clientFolder = join(import.meta.dirname, "client");
const libraryFolder = join(import.meta.dirname, "..", "..", "..", "node_modules", "lit-html");

/** How often to send a comment to an idle browser, so that both sides notice when the other is gone. */
const heartbeatMs = 15_000;

/** Serves the page that shows a stack. Rejects if the port is taken. */
export async function startPage({ port, text, watcher, masker }: PageOptions): Promise<LoopbackServer> {
  // Each text by itself, since JSON writes some characters in another way.
  const json = (snapshot: Snapshot) =>
    JSON.stringify({ ...snapshot, text } satisfies PageSnapshot, (_, value: unknown) =>
      typeof value === "string" ? masker.mask(value) : value,
    );
  const hosts = new Set<string>();

  const app = new Hono();
  // A page of another site that has its own name point to 127.0.0.1 is told nothing.
  app.use(async (context, next) => {
    if (!hosts.has(context.req.header("host") ?? "")) {
      return context.text(`This page is only available at http://${[...hosts][0] ?? ""}.\n`, 421);
    }
    return next();
  });
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
        requireTrustedTypesFor: ["'script'"],
        trustedTypes: ["lit-html"],
      },
      // Nothing here is served by HTTPS.
      strictTransportSecurity: false,
      xFrameOptions: "DENY",
    }),
  );
  app.use(async (context, next) => {
    await next();
    context.header("Cache-Control", "no-store");
  });

  app.get("/healthz", (context) => context.text("ok"));
  app.get("/events", (context) =>
    streamSSE(context, async (stream) => {
      let latest: Snapshot | undefined;
      let wake: (() => void) | undefined;
      const unsubscribe = watcher.subscribe((snapshot) => {
        latest = snapshot;
        wake?.();
      });
      stream.onAbort(() => {
        unsubscribe();
        wake?.();
      });
      while (!stream.aborted) {
        if (latest === undefined) {
          await stream.write(": nothing new\n\n");
        } else {
          const data = json(latest);
          latest = undefined;
          await stream.writeSSE({ event: "snapshot", data, retry: 1_000 });
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, latest === undefined ? heartbeatMs : 0);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    }),
  );
  app.get("/jobs/:id{[0-9]+}/trace", async (context) => {
    const trace = await watcher.trace(Number(context.req.param("id")));
    return context.json(renderTrace(masker.mask(trace)));
  });
  app.get("/:file{(?:[a-z-]+\\.(?:js|css|svg))?}", (context) => {
    const file = context.req.param("file");
    return sendFile(join(clientFolder, file === "" ? "index.html" : file));
  });
  app.get("/lit-html/:file{(?:directives/)?[a-z-]+\\.js}", (context) =>
    sendFile(join(libraryFolder, context.req.param("file"))),
  );
  app.onError((error, context) => context.json({ error: masker.mask(describeError(error)) }, 502));

  const server = await serveOnLoopback(app, port);
  hosts.add(`127.0.0.1:${server.port}`).add(`localhost:${server.port}`);
  return server;
}

async function sendFile(path: string): Promise<Response> {
  try {
    return new Response(await readFile(path), { headers: { "Content-Type": types[extname(path)] ?? "text/plain" } });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      throw error;
    }
    return new Response("File not found.\n", { status: 404 });
  }
}
