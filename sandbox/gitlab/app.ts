import { Hono } from "hono";
import type { AppEnv } from "./context.ts";
import { controlApi } from "./control-api.ts";
import { ApiError } from "./errors.ts";
import { Faults } from "./faults.ts";
import { jobsApi } from "./jobs-api.ts";
import { notesApi } from "./notes-api.ts";
import { pages } from "./pages.ts";
import { readParameters } from "./parameters.ts";
import { projectsApi } from "./projects-api.ts";
import { runnerProcessApi } from "./runner-process-api.ts";
import { runnersApi } from "./runners-api.ts";
import type { GitLabStore } from "./store.ts";

/** The emulator as a Hono application: API, control surface and pages. */
export function createApp(store: GitLabStore): Hono<AppEnv> {
  const faults = new Faults();
  const api = new Hono<AppEnv>();
  api.use(async (c, next) => {
    const body = Buffer.from(await c.req.arrayBuffer());
    c.set("body", body);
    const query = new URL(c.req.url).searchParams;
    c.set("parameters", await readParameters(query, body, c.req.header("content-type") ?? ""));
    await next();
  });
  api.use(faults.middleware());
  // Before the routes with an id, which would match them, too.
  api.route("/", runnerProcessApi(store));
  api.route("/", jobsApi(store));
  api.route("/", runnersApi(store));
  api.route("/", projectsApi(store));
  api.route("/", notesApi(store));

  const app = new Hono<AppEnv>();
  app.onError((error, c) => {
    if (error instanceof ApiError) {
      return c.json(error.body, error.status, { ...error.headers });
    }
    return c.json({ message: "500 Internal Server Error" }, 500);
  });
  app.notFound((c) => c.json({ error: "404 Not Found" }, 404));
  app.route("/api/v4", api);
  app.route("/-/emulator", controlApi(store, faults));
  app.route("/", pages(store));
  return app;
}
