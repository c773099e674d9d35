import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChartRepository } from "../../sandbox/chart-repository.ts";
import { startGitLabEmulator } from "../../sandbox/gitlab/emulator.ts";
import { Masker } from "../../tools/doctor/masker.ts";
import { Watcher } from "../../tools/status/watcher.ts";
import { startPage } from "../../tools/status/web/server.ts";
import { controlToken, seed, tokens } from "../sandbox/gitlab-test-server.ts";
import { EmulatorControl } from "../../sandbox/gitlab/control.ts";
import { made, watched } from "../unit/status-fixtures.ts";
import type { Ending, Fuzzed } from "./fuzzed.ts";
import { exchange, type HttpAnswer } from "./http-exchange.ts";
import { filled, httpRequests, portMark, type Surface } from "./http-requests.ts";

/** What only a programmer could make sense of. */
const notForPeople =
  /\n\s+at |at file:|\[object|TypeError|RangeError|Cannot read|is not a function|Internal Server Error/;

/** @returns routes whose requests have no body */
function without(...routes: readonly string[]): Surface["routes"] {
  return Object.fromEntries(routes.map((route) => [route, undefined]));
}

/**
 * @param statuses what else than 2xx, 3xx and 4xx is an answer of this server
 * @returns how a request ended; throws where the answer is none for people
 */
async function ask(port: number, request: Buffer, statuses: readonly number[]): Promise<Ending> {
  const answer = await exchange(port, request);
  check(answer, statuses);
  return answer.status !== undefined && answer.status < 400 ? "accepted" : "refused";
}

function check({ status = 400, text }: HttpAnswer, statuses: readonly number[]): void {
  const head = text.slice(0, 1_000);
  assert.ok(status < 500 || statuses.includes(status), `an answer of a server that is broken:\n${head}`);
  if (status >= 400) {
    assert.doesNotMatch(text, notForPeople);
  }
}

async function httpServer(
  surface: Surface,
  port: number,
  /** What stands in requests for ids and tokens. */
  marks: Readonly<Record<string, string>>,
  statuses: readonly number[],
  rest: { readonly good: () => Promise<unknown>; readonly stop: () => Promise<void> },
): Promise<Fuzzed<Buffer>> {
  await rest.good();
  return {
    cases: httpRequests(surface),
    attempt: (request) => ask(port, filled(request, { ...marks, [portMark]: String(port) }), statuses),
    examine: async () => {
      await rest.good();
    },
    stop: rest.stop,
  };
}

async function ok(url: string, init?: RequestInit): Promise<string> {
  const response = await fetch(url, init);
  const text = await response.text();
  assert.equal(response.ok, true, `a good request is no longer answered: ${response.status} ${text}`);
  return text;
}

/** The emulator of GitLab, with runners and a job. */
export async function emulator(): Promise<Fuzzed<Buffer>> {
  const server = await startGitLabEmulator({
    seed: { ...seed, registrationTokens: [{ token: "GR1348941registration", projectId: 1 }] },
  });
  const { url, port } = server;
  const create = async () =>
    JSON.parse(
      await ok(`${url}/api/v4/user/runners`, {
        method: "POST",
        headers: { "PRIVATE-TOKEN": tokens.admin, "Content-Type": "application/json" },
        body: JSON.stringify({ runner_type: "project_type", project_id: 1, run_untagged: true }),
      }),
    ) as { id: number; token: string };
  const runners = [await create(), await create(), await create()];
  const control = new EmulatorControl(url, controlToken);
  const { id: job } = await control.addJob({ projectId: 1, script: ["true"] });
  const taken = JSON.parse(
    await ok(`${url}/api/v4/jobs/request`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: runners[0]?.token }),
    }),
  ) as { token: string };
  const runner = {
    ...{ description: "a", maintenance_note: "b", paused: false, locked: false, access_level: "not_protected" },
    ...{ run_untagged: true, tag_list: ["a", "b"], maximum_timeout: 3600 },
  };
  const own = {
    token: "{runner-token}",
    system_id: "s_1",
    info: { name: "a", version: "18.9.0", features: { a: true } },
  };
  const note = { body: "a note" };
  const api = {
    "POST /user/runners": { ...runner, runner_type: "project_type", project_id: 1, token_expires_at: null },
    "POST /runners": { ...runner, token: "GR1348941registration", info: own.info, active: true },
    ...{ "PUT /runners/:id": runner, "POST /runners/verify": own, "POST /runners/reset_authentication_token": own },
    ...{ "DELETE /runners": own, "DELETE /runners/managers": own, "GET /runners/router/discovery": own },
    "POST /jobs/request": { ...own, last_update: "a" },
    "PUT /jobs/:id": { token: "{job-token}", state: "running", exit_code: 0, output: { checksum: "a", bytesize: 1 } },
    ...{ "PATCH /jobs/:id/trace": { token: "{job-token}" }, "POST /projects/:id/runners": { runner_id: 2 } },
    "POST /projects/:id/merge_requests/:iid/notes": note,
    "PUT /projects/:id/merge_requests/:iid/notes/:note": note,
    ...without(
      "GET /runners",
      "GET /runners/all",
      "GET /runners/:id",
      "DELETE /runners/:id",
      "GET /runners/:id/managers",
    ),
    ...without("GET /runners/:id/projects", "GET /runners/:id/jobs", "POST /runners/:id/reset_authentication_token"),
    ...without(
      "GET /projects",
      "GET /projects/:id",
      "GET /projects/:id/runners",
      "DELETE /projects/:id/runners/:runner",
    ),
    ...without("GET /projects/:id/jobs/:job/trace", "GET /groups", "GET /groups/:id", "GET /groups/:id/runners"),
    ...without("GET /version", "GET /metadata", "GET /user", "GET /personal_access_tokens/self"),
    ...without("GET /projects/:id/merge_requests/:iid/notes"),
  };
  const controls = {
    "POST /jobs": {
      projectId: 1,
      name: "a",
      stage: "b",
      script: ["true"],
      tags: [],
      cache: [],
      variables: {},
      timeout: 60,
    },
    ...{ "PUT /runners/:id/contact": { secondsAgo: 5 }, "PUT /settings": { runnerTokenExpirationInterval: 86400 } },
    "POST /access-tokens": {
      token: "glpat-other-0123456789",
      username: "b",
      scopes: ["api"],
      admin: false,
      revoked: false,
    },
    "POST /projects": { id: 7, path: "a/b", maintainers: [] },
    // Of calls that there are none of.
    "POST /faults": { method: "NONE", path: "^/api/v4/none", count: 1, kind: "status", status: 500 },
    ...without("GET /jobs/:id", "POST /jobs/:id/cancel", "GET /state"),
  };
  const below = (prefix: string, routes: Surface["routes"]) =>
    Object.fromEntries(Object.entries(routes).map(([route, body]) => [route.replace(" ", ` ${prefix}`), body]));
  const pages = without(
    "GET /",
    "GET /projects/:id",
    "GET /-/g/:id",
    "GET /admin/runners/:id",
    "GET /a/b/-/runners/:id",
  );
  return httpServer(
    {
      routes: { ...below("/api/v4", api), ...below("/-/emulator", controls), ...pages },
      ids: ["1", "1", "2", "homelab%2Fone", "{runner}", "{job}"],
      rights: [`PRIVATE-TOKEN: ${tokens.admin}`, `X-Emulator-Token: ${controlToken}`],
      names: [
        ...["token", "system_id", "info", "features", "name", "version", "description", "maintenance_note", "paused"],
        ...[
          "active",
          "locked",
          "access_level",
          "run_untagged",
          "tag_list",
          "maximum_timeout",
          "runner_type",
          "group_id",
        ],
        ...[
          "project_id",
          "runner_id",
          "token_expires_at",
          "token_rotation_deadline",
          "maintainer_note",
          "scope",
          "type",
        ],
        ...["status", "page", "per_page", "private_token", "order_by", "sort", "state", "exit_code", "output", "body"],
        ...[
          "include_projects",
          "version_prefix",
          "failure_reason",
          "last_update",
          "id",
          "path",
          "maintainers",
          "script",
        ],
        ...["projectId", "image", "tags", "cache", "variables", "timeout", "ref", "protected", "secondsAgo", "scopes"],
        ...["runnerTokenExpirationInterval", "username", "admin", "expiresAt", "revoked"],
        // Of faults, `kind` is left out, so that none is added.
        ...["method", "count", "retryAfterSeconds"],
      ],
      values: [
        ...["1", "2", "3", "true", "false", "project_type", "group_type", "instance_type", "ref_protected", "0-0"],
        ...["homelab%2Fone", "homelab/one", "homelab", "running", "failed", "success", "id", "asc", "desc", "{runner}"],
        ...["2026-12-01T00:00:00Z", "GR1348941registration", "{runner-token}", "{job}", "{job-token}", "a,b"],
        ...[tokens.admin, tokens.admin, tokens.dev, tokens.readOnly, tokens.expired, tokens.revoked, controlToken],
        ...[`Bearer ${tokens.admin}`, "Mon, 01 Jan 2001 00:00:00 GMT"],
      ],
      headers: [
        ...["PRIVATE-TOKEN", "PRIVATE-TOKEN", "Authorization", "Runner-Token", "Job-Token", "X-Emulator-Token"],
        ...["Content-Range", "If-Unmodified-Since"],
      ],
    },
    port,
    {
      "{runner}": String(runners[0]?.id),
      "{runner-token}": runners[1]?.token ?? "",
      "{job}": String(job),
      "{job-token}": taken.token,
    },
    // Recorded: GitLab has no job router.
    [501],
    {
      good: async () => {
        await ok(`${url}/api/v4/user`, { headers: { "PRIVATE-TOKEN": tokens.admin } });
        await ok(`${url}/api/v4/runners/all`, { headers: { "PRIVATE-TOKEN": tokens.admin } });
        assert.ok((await control.state()).runners.length > 0);
        await create();
      },
      stop: () => server.close(),
    },
  );
}

/** The page of `npm run status -- --web`. */
export async function page(): Promise<Fuzzed<Buffer>> {
  const stack = {
    ...watched({ gitlab: () => Promise.resolve({ runner: null, jobs: [made.job(1)] }) }),
    trace: (_project: number, id: number) =>
      id === 1 ? Promise.resolve("a log\n") : Promise.reject(new Error("there is no log")),
  };
  const server = await startPage({
    text: { title: "A page", subtitle: "of a test", start: "npm test" },
    watcher: new Watcher(() => Promise.resolve(stack), { interval: 1_000, stackInterval: 1_000 }),
    masker: new Masker(),
  });
  const { url, port } = server;
  return httpServer(
    {
      routes: without(
        ...["GET /", "GET /healthz", "GET /events", "GET /jobs/:id/trace", "GET /:file", "GET /:file.js"],
        "GET /lit-html/:file",
      ),
      ids: ["1", "main.js", "lit-html.js", "directives/repeat.js"],
      rights: [],
      names: ["id", "file"],
      values: [
        "1",
        "2",
        "main.js",
        "page.css",
        "lit-html.js",
        "directives/repeat.js",
        "directives%2Frepeat.js",
        "index.html",
        "..%2Fserver.ts",
      ],
      headers: ["Origin", "Accept", "Last-Event-ID", "X-Forwarded-Host"],
    },
    port,
    {},
    // What it watches could not be read.
    [502],
    {
      good: async () => {
        assert.match(await ok(`${url}/`), /<html/);
        assert.equal(await ok(`${url}/healthz`), "ok");
      },
      stop: () => server.stop(),
    },
  );
}

/** The sandbox's repository of charts. */
export async function charts(): Promise<Fuzzed<Buffer>> {
  const dir = await mkdtemp(join(tmpdir(), "gitlab-runner-fuzz-"));
  // The program "true" packages nothing; what Helm makes of the charts is no matter here.
  const server = await startChartRepository({ dir: join(dir, "charts"), helm: "true" });
  const { url, port } = server;
  await writeFile(join(dir, "charts", "index.yaml"), "entries: {}\n");
  await writeFile(join(dir, "secret.tgz"), "not to be served");
  return httpServer(
    {
      routes: without("GET /index.yaml", "GET /:file", "GET /:file.tgz", "GET /:folder/:file.tgz"),
      ids: ["index.yaml", "gitlab-runner-0.86.0", "..%2fsecret"],
      rights: [],
      names: ["file"],
      values: ["index.yaml", "gitlab-runner-0.86.0.tgz", "..%2Fsecret.tgz", "..", "secret", "charts%2Findex.yaml"],
      headers: ["Range", "Accept", "If-None-Match"],
    },
    port,
    {},
    [],
    {
      good: async () => {
        assert.equal(await ok(`${url}/index.yaml`), "entries: {}\n");
      },
      stop: async () => {
        await server.stop();
        await rm(dir, { recursive: true });
      },
    },
  );
}
