import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { execa } from "execa";
import { repository } from "../../tools/repository.ts";
import { Masker } from "../../tools/doctor/masker.ts";
import type { LoopbackServer } from "../../tools/loopback-server.ts";
import type { PageSnapshot } from "../../tools/status/snapshot.ts";
import { Watcher } from "../../tools/status/watcher.ts";
import { startPage } from "../../tools/status/web/server.ts";
import { made, watched } from "./status-fixtures.ts";

/** With characters that JSON writes in another way. */
const secret = 'the "passphrase" of\nsomebody';
const client = join(repository, "tools", "status", "web", "client");

async function startTestPage(t: TestContext): Promise<LoopbackServer> {
  const masker = new Masker();
  masker.add(secret);
  const stack = {
    ...watched(
      {
        gitlab: () => Promise.resolve({ runner: null, jobs: [made.job(1), made.job(2)] }),
        cluster: () => Promise.reject(new Error(`refused for ${secret}`)),
      },
      { name: secret },
    ),
    trace: (projectId: number, id: number) =>
      projectId === 1 && id === 1
        ? Promise.resolve(`\u001B[31mtoken glrt-t3_0123456789abcdefghij, ${secret}\n<b>x</b>\n`)
        : Promise.reject(new Error(`no log of ${secret}`)),
  };
  const page = await startPage({
    text: { title: "A page", subtitle: "of a test", start: "npm test" },
    watcher: new Watcher(() => Promise.resolve(stack), { interval: 20, stackInterval: 20 }),
    masker,
  });
  t.after(() => page.stop());
  return page;
}

/** Asks with another name of the host, which fetch() does not do. */
function statusFor(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
}

/** The first snapshot that fits, and the text of all events until then. */
async function snapshotWhere(page: LoopbackServer, fits: (snapshot: PageSnapshot) => boolean) {
  const response = await fetch(`${page.url}/events`);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString();
    const data = [...text.matchAll(/^event: snapshot\ndata: (?<json>.*)\n/gm)].at(-1)?.groups?.["json"];
    const snapshot = data === undefined ? undefined : (JSON.parse(data) as PageSnapshot);
    if (snapshot !== undefined && fits(snapshot)) {
      return { text, snapshot };
    }
  }
  throw new Error(`no snapshot fits:\n${text}`);
}

test("serves its page, its scripts and the library's, and no other file", async (t) => {
  const page = await startTestPage(t);
  const expected = {
    "/": "text/html",
    "/main.js": "text/javascript",
    "/page.css": "text/css",
    "/icon.svg": "image/svg+xml",
    "/lit-html/lit-html.js": "text/javascript",
    "/lit-html/directives/repeat.js": "text/javascript",
  };
  for (const [path, type] of Object.entries(expected)) {
    const response = await fetch(page.url + path);
    assert.equal(response.status, 200, path);
    assert.ok(response.headers.get("content-type")?.startsWith(type), path);
    await response.body?.cancel();
  }
  for (const path of [
    "/none.js",
    "/tsconfig.json",
    "/lit-html/package.json",
    "/..%2Fserver.ts",
    "/lit-html/..%2f..%2fx.js",
  ]) {
    assert.equal((await fetch(page.url + path)).status, 404, path);
  }
});

test("every script and style that a file of the page names is there", async (t) => {
  const page = await startTestPage(t);
  for (const file of readdirSync(client).filter((name) => /\.(?:js|html)$/.test(name))) {
    const text = readFileSync(join(client, file), "utf8");
    for (const [, name = ""] of text.matchAll(/(?:^import .* from |(?:href|src)=)"([^"]+)"/gm)) {
      const response = await fetch(new URL(name, `${page.url}/`));
      assert.equal(response.status, 200, `${file} needs ${name}`);
      await response.body?.cancel();
    }
  }
});

test("its policy allows its own scripts, and none in line", async (t) => {
  const page = await startTestPage(t);
  const response = await fetch(page.url);
  const policy = response.headers.get("content-security-policy") ?? "";
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]) {
    assert.ok(policy.includes(part), policy);
  }
  assert.doesNotMatch(policy, /unsafe/);
  assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  assert.equal(response.headers.get("cross-origin-resource-policy"), "same-origin");
  assert.equal(response.headers.get("access-control-allow-origin"), null);
  assert.doesNotMatch(await response.text(), /<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=/i);
});

test("answers under its own names only", async (t) => {
  const { url } = await startTestPage(t);
  const { port } = new URL(url);
  for (const path of ["/", "/main.js", "/events", "/jobs/1/trace"]) {
    assert.equal(await statusFor(url + path, `evil.example:${port}`), 421, path);
  }
  for (const host of ["evil.example", "127.0.0.1", `127.0.0.1.evil.example:${port}`, "127.0.0.1:1"]) {
    assert.equal(await statusFor(url, host), 421, host);
  }
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`]) {
    assert.equal(await statusFor(url, host), 200, host);
  }
});

test("listens on loopback only", async (t) => {
  const { url } = await startTestPage(t);
  assert.equal(new URL(url).hostname, "127.0.0.1");
  await assert.rejects(fetch(url.replace("127.0.0.1", "127.0.0.2")), "another address of this machine is not served");
});

test("sends snapshots and traces without secrets", { timeout: 20_000 }, async (t) => {
  const page = await startTestPage(t);
  const { text, snapshot } = await snapshotWhere(
    page,
    ({ cluster, gitlab }) => cluster.error !== undefined && gitlab.data !== undefined,
  );
  assert.ok(!text.includes("passphrase"), text);
  assert.equal(snapshot.stack.data?.name, "[secret]");
  assert.equal(snapshot.cluster.error, "refused for [secret]");
  assert.deepEqual(snapshot.text, { title: "A page", subtitle: "of a test", start: "npm test" });
  const trace = await fetch(`${page.url}/jobs/1/trace`);
  assert.match(trace.headers.get("content-type") ?? "", /^application\/json/);
  assert.deepEqual(await trace.json(), {
    lines: [[{ text: "token [secret], [secret]", style: "fg-red" }], [{ text: "<b>x</b>", style: "fg-red" }]],
    omitted: 0,
  });
  const refused = await fetch(`${page.url}/jobs/2/trace`);
  assert.deepEqual([refused.status, await refused.json()], [502, { error: "no log of [secret]" }]);
  const unknown = await fetch(`${page.url}/jobs/3/trace`);
  assert.deepEqual([unknown.status, await unknown.json()], [502, { error: "no such job" }]);
});

test("stops at once while a browser listens", { timeout: 20_000 }, async (t) => {
  const page = await startTestPage(t);
  const response = await fetch(`${page.url}/events`);
  const read = response.text();
  const began = Date.now();
  await Promise.all([page.stop(), assert.rejects(read)]);
  assert.ok(Date.now() - began < 1_000);
});

test("the browser's code has the right types", { timeout: 120_000 }, async () => {
  const { exitCode, all } = await execa("tsc", ["--project", client], {
    preferLocal: true,
    localDir: repository,
    reject: false,
    all: true,
  });
  assert.equal(exitCode, 0, all);
});
