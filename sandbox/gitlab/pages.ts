import { Hono, type Context } from "hono";
import { html } from "hono/html";
import type { AppEnv } from "./context.ts";
import type { Runner } from "./model.ts";
import { runnerStatus, time } from "./present.ts";
import type { GitLabStore } from "./store.ts";

function page(
  c: Context<AppEnv>,
  title: string,
  rows: readonly (readonly [string, string])[],
): Response | Promise<Response> {
  return c.html(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <title>${title}</title>
        </head>
        <body>
          <h1>${title}</h1>
          <p>This is the sandbox's GitLab emulator: it has GitLab's runner API, not its pages.</p>
          <table>
            ${rows.map(
              ([name, value]) =>
                html`<tr>
                  <th align="left">${name}</th>
                  <td>${value}</td>
                </tr>`,
            )}
          </table>
        </body>
      </html>`,
  );
}

function rowsOf(store: GitLabStore, runner: Runner): [string, string][] {
  const projects = runner.projectIds.map((id) => store.projects.get(id)?.path ?? String(id));
  const managers = runner.managers.map(
    ({ systemId, version, contactedAt }) => `${systemId} (${version ?? "?"}, seen ${time(contactedAt) ?? "never"})`,
  );
  return [
    ["Description", runner.description ?? ""],
    ["Type", runner.type],
    ["Status", runnerStatus(store, runner)],
    ["Tags", runner.tags.join(", ")],
    ["Runs untagged jobs", runner.runUntagged ? "yes" : "no"],
    ["Locked", runner.locked ? "yes" : "no"],
    ["Projects", projects.join(", ")],
    ["Managers", managers.join(", ") || "none yet"],
  ];
}

/** Plain pages for people who follow a link to the emulator: what it is, and a runner's details. */
export function pages(store: GitLabStore): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const runnerPage = (c: Context<AppEnv>, id: string) => {
    const runner = store.runners.get(Number(id));
    return runner ? page(c, `Runner #${runner.id}`, rowsOf(store, runner)) : c.notFound();
  };
  app.get("/", (c) => {
    const rows = [...store.runners.values()].map((runner): [string, string] => [
      `Runner #${runner.id}`,
      `${runner.description ?? ""} (${runnerStatus(store, runner)})`,
    ]);
    return page(c, "GitLab emulator", rows);
  });
  // GitLab's short URLs of a project and a group, which the stack's output links to.
  const placePage = (c: Context<AppEnv>, place: { path: string } | undefined, runners: readonly Runner[]) =>
    place
      ? page(
          c,
          place.path,
          runners.map((runner) => [
            `Runner #${runner.id}`,
            `${runner.description ?? ""} (${runnerStatus(store, runner)})`,
          ]),
        )
      : c.notFound();
  app.get("/projects/:id", (c) => {
    const project = store.projects.get(Number(c.req.param("id")));
    const runners = [...store.runners.values()].filter(({ projectIds }) => projectIds.includes(project?.id ?? 0));
    return placePage(c, project, runners);
  });
  app.get("/-/g/:id", (c) => {
    const group = store.groups.get(Number(c.req.param("id")));
    const runners = [...store.runners.values()].filter(({ groupId }) => groupId === group?.id);
    return placePage(c, group, group === undefined ? [] : runners);
  });
  app.get("/admin/runners/:id", (c) => runnerPage(c, c.req.param("id")));
  app.get("/:path{.+/-/runners/[0-9]+}", (c) => runnerPage(c, c.req.path.split("/").at(-1) ?? ""));
  return app;
}
