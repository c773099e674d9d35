import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { EmulatorControl } from "../../sandbox/gitlab/control.ts";
import { startGitLabEmulator } from "../../sandbox/gitlab/emulator.ts";
import { document } from "./gitlab-openapi.ts";
import { controlToken, seed, startServer, tokens } from "./gitlab-test-server.ts";

const timeout = 30_000;
const entry = new URL("../../sandbox/gitlab/main.ts", import.meta.url).pathname;

test("every operation of GitLab's document has a route", { timeout }, async (t) => {
  const server = await startServer(t);
  const isRoute = async (method: string, path: string) => {
    const answer = await server.call(method, path, { token: tokens.admin });
    return JSON.stringify(answer.body) !== '{"error":"404 Not Found"}';
  };
  assert.equal(await isRoute("GET", "/runners/1/nothing"), false);
  const missing: string[] = [];
  let operations = 0;
  for (const [template, methods] of Object.entries(document.paths)) {
    for (const method of Object.keys(methods)) {
      operations += 1;
      const path = template.replace("/api/v4", "").replaceAll(/\{[^}]+\}/g, "1");
      if (!(await isRoute(method.toUpperCase(), path))) {
        missing.push(`${method} ${template}`);
      }
    }
  }
  assert.deepEqual(missing, []);
  assert.equal(operations, 21);
});

test("pages tell a human what it is, and escape what users wrote", { timeout }, async (t) => {
  const server = await startServer(t);
  const { id, token } = await server.createRunner({ description: "<b>bold</b>" });
  for (const path of ["/", `/homelab/one/-/runners/${id}`, `/groups/homelab/-/runners/${id}`, `/admin/runners/${id}`]) {
    const response = await fetch(server.url + path);
    const page = await response.text();
    assert.equal(response.status, 200, path);
    assert.match(response.headers.get("content-type") ?? "", /^text\/html/);
    assert.match(page, /GitLab emulator/);
    assert.match(page, /&lt;b&gt;bold/);
    assert.ok(!page.includes(token));
  }
  assert.equal((await fetch(`${server.url}/homelab/one/-/runners/99`)).status, 404);
  assert.equal((await fetch(`${server.url}/homelab/one`)).status, 404);
});

test("it says no to a bad seed and a taken port", { timeout }, async () => {
  const twice = [...seed.projects, { id: 1, path: "homelab/again" }];
  await assert.rejects(startGitLabEmulator({ seed: { ...seed, projects: twice } }), /exists/);
  const first = await startGitLabEmulator({ seed });
  try {
    await assert.rejects(startGitLabEmulator({ seed, port: first.port }), { code: "EADDRINUSE" });
  } finally {
    await first.close();
  }
  await assert.rejects(fetch(first.url), TypeError);
});

async function seedFile(t: TestContext, content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "gitlab-emulator-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "seed.json");
  await writeFile(path, content, { mode: 0o600 });
  return path;
}

function start(t: TestContext, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [entry, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`the process prints one line when it listens, and ends well on ${signal}`, { timeout }, async (t) => {
    const child = start(t, "--port", "0", "--seed", await seedFile(t, JSON.stringify(seed)));
    assert.ok(child.stdout);
    const lines: string[] = [];
    const reader = createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
    await once(reader, "line");
    const url = /^listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(lines[0] ?? "")?.[1];
    assert.ok(url, lines[0]);
    assert.equal((await new EmulatorControl(url, controlToken).state()).projects.length, 3);
    child.kill(signal);
    assert.deepEqual(await once(child, "exit"), [0, null]);
    assert.equal(lines.length, 1);
  });
}

test("the process refuses a seed that others can read or that is wrong, without quoting it", { timeout }, async (t) => {
  const fails = async (path: string) => {
    const child = start(t, "--seed", path);
    let message = "";
    child.stderr?.on("data", (data: Buffer) => (message += data.toString()));
    assert.deepEqual(await once(child, "close"), [1, null]);
    assert.ok(!message.includes("glpat-"), message);
    return message;
  };
  const open = await seedFile(t, JSON.stringify(seed));
  await chmod(open, 0o644);
  assert.match(await fails(open), /only its owner may have access/);
  assert.match(await fails(await seedFile(t, `{"glpat-secret`)), /is not JSON/);
  assert.match(await fails(await seedFile(t, `{"controlToken":"short"}`)), /controlToken/);
  assert.match(await fails("/nonexistent/seed.json"), /ENOENT/);
});
