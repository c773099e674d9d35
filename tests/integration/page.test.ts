import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test, type TestContext } from "node:test";
import type { AxeResults } from "axe-core";
import { chromium, type BrowserContext, type Page as Tab } from "playwright-core";
import type { LoopbackServer } from "../../tools/loopback-server.ts";
import { Masker } from "../../tools/doctor/masker.ts";
import type { GitLabPart, JobRow } from "../../tools/status/snapshot.ts";
import { Watcher } from "../../tools/status/watcher.ts";
import { startPage } from "../../tools/status/web/server.ts";
import { made, watched } from "../unit/status-fixtures.ts";
import { pageUrl } from "../../sandbox/page/page-url.ts";
import { repository } from "../../tools/repository.ts";
import { requiredProgram } from "./required-program.ts";
import { SandboxUnderTest } from "./sandbox-under-test.ts";

/** Where Debian's package has it; where it is not, name another one with CHROMIUM. */
const browserPath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Pictures of each run, for people to look at; each run has them anew. */
const pictures = join(tmpdir(), "gitlab-runner-page");

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A browser with a profile of its own. */
class Browser {
  readonly #profile = mkdtempSync(join(tmpdir(), "gitlab-runner-test-"));
  #context: BrowserContext | undefined;
  /** What went wrong on its pages: exceptions, and what a policy has forbidden. */
  readonly complaints: string[] = [];

  async start(): Promise<void> {
    if (!existsSync(browserPath)) {
      await requiredProgram("chromium");
    }
    this.#context = await chromium.launchPersistentContext(this.#profile, {
      executablePath: browserPath,
      headless: true,
      args: flags,
      permissions: ["clipboard-read", "clipboard-write"],
    });
    // Where the page's own policy has no say.
    await this.#context.addInitScript({ path: join(repository, "node_modules", "axe-core", "axe.min.js") });
  }

  async open(url: string): Promise<Tab> {
    assert.ok(this.#context);
    const tab = await this.#context.newPage();
    tab.setDefaultTimeout(30_000);
    tab.on("pageerror", (error) => this.complaints.push(error.message));
    tab.on("console", (message) => {
      // What a page says whose server has gone is as it should be.
      if (message.type() === "error" && !message.text().includes("ERR_")) {
        this.complaints.push(message.text());
      }
    });
    await tab.goto(url);
    return tab;
  }

  async close(): Promise<void> {
    await this.#context?.close();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Fails where a rule of WCAG 2.2 A or AA, as far as a machine can tell, is broken. */
async function checkAccessibility(tab: Tab): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await tab.emulateMedia({ colorScheme });
    const { violations } = await tab.evaluate<AxeResults>("axe.run()");
    assert.deepEqual(
      violations.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => [html, failureSummary])]),
      [],
      colorScheme,
    );
  }
}

/** Fails where anything is wider than the screen. */
async function checkWidth(tab: Tab, width: number): Promise<void> {
  await tab.setViewportSize({ width, height: 780 });
  const wide = await tab.evaluate<string[]>(
    `[...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > ${width} + 0.5).map((one) => one.outerHTML.slice(0, 200))`,
  );
  assert.deepEqual(wide, []);
  assert.equal(await tab.evaluate<number>("document.documentElement.scrollWidth"), width);
}

/** Takes pictures of the whole page: desktop and phone, light and dark. */
async function takePictures(t: TestContext, tab: Tab, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  for (const [device, width, height] of [
    ["desktop", 1280, 900],
    ["phone", 360, 780],
  ] as const) {
    await tab.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"] as const) {
      await tab.emulateMedia({ colorScheme });
      await tab.screenshot({ path: join(pictures, `${name}-${device}-${colorScheme}.png`), fullPage: true });
    }
  }
  await tab.setViewportSize({ width: 1280, height: 900 });
  t.diagnostic(`pictures: ${join(pictures, name)}-*.png`);
}

function section(tab: Tab, name: string) {
  return tab.getByRole("region", { name, exact: true });
}

describe("the page in a browser, with made-up states", { timeout: 15 * 60_000 }, () => {
  const browser = new Browser();
  const hostile = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`;
  const emptyGitLab: GitLabPart = { runner: null, jobs: [] };
  let gitlab: GitLabPart;
  let cacheError: string | undefined;
  let page: LoopbackServer | undefined;

  const job = (id: number, fields: Partial<JobRow> = {}): JobRow =>
    made.job(id, {
      name: `job-${id}`,
      status: ["success", "failed", "running", "pending", "canceled"][id % 5] ?? "",
      finishedAt: id % 5 === 2 ? null : "2026-11-24T08:01:00.000Z",
      ...fields,
    });

  const stack = {
    ...watched({
      gitlab: () => Promise.resolve(gitlab),
      cache: () =>
        cacheError === undefined
          ? Promise.resolve({
              bucket: "cache",
              count: 1,
              bytes: 2_345_678,
              isCut: false,
              objects: [{ key: `project/1/${"k".repeat(200)}${hostile}`, bytes: 2_345_678, modifiedAt: null }],
            })
          : Promise.reject(new Error(cacheError)),
    }),
    stack: { name: "Pulumi.homelab.yaml", namespaces: [], isBusy: true, suggestions: [] },
    trace: (_: number, id: number) =>
      Promise.resolve(`\u001B[31mtrace of ${id}\u001B[0m\n${hostile}\n${"x".repeat(500)}\n`),
  };
  const start = (port = 0) =>
    startPage({
      port,
      text: { title: "Stack made-up", subtitle: "of a test", start: "npm run status" },
      watcher: new Watcher(() => Promise.resolve(stack), { interval: 50, stackInterval: 50 }),
      masker: new Masker(),
    });

  before(() => browser.start());
  after(async () => {
    await page?.stop();
    await browser.close();
  });
  beforeEach(async () => {
    await page?.stop();
    gitlab = emptyGitLab;
    cacheError = undefined;
    browser.complaints.length = 0;
    page = await start();
  });

  test("with nothing there, it says so", async (t) => {
    const tab = await browser.open(page?.url ?? "");
    await tab.getByText("No jobs yet.").waitFor();
    await tab.getByText("GitLab has no runner yet.").waitFor();
    await tab.getByText("The stack has no pods.").waitFor();
    await tab.getByText("Nothing is deployed yet.").waitFor();
    await checkAccessibility(tab);
    await checkWidth(tab, 360);
    await takePictures(t, tab, "nothing");
    assert.deepEqual(browser.complaints, []);
    await tab.close();
  });

  test("with 500 jobs, it shows the newest, and all when asked", async (t) => {
    gitlab = { ...emptyGitLab, jobs: Array.from({ length: 500 }, (_, index) => job(500 - index)) };
    const tab = await browser.open(page?.url ?? "");
    await tab.getByText("100 canceled", { exact: false }).waitFor();
    assert.equal(await tab.locator(".job").count(), 20);
    await checkAccessibility(tab);
    await checkWidth(tab, 360);
    await takePictures(t, tab, "many");
    const began = Date.now();
    await tab.getByRole("button", { name: "Show 480 older jobs" }).click();
    await tab.locator(".job").nth(499).waitFor();
    assert.ok(Date.now() - began < 2_000, `${Date.now() - began} ms`);
    gitlab = { ...gitlab, jobs: [job(501, { name: "the newest" }), ...gitlab.jobs] };
    await tab.getByText("the newest").waitFor();
    assert.match((await tab.locator(".job").first().textContent()) ?? "", /the newest/);
    await tab.close();
  });

  test("with hostile text everywhere, it shows that as text", async () => {
    const project = { id: 1, path: hostile };
    const managers = [{ systemId: hostile, version: hostile, status: "online", contactedAt: null }];
    gitlab = {
      jobs: [job(1, { name: hostile, stage: hostile, ref: hostile, project, failureReason: hostile })],
      runner: made.runner({
        ...{ id: 1, description: hostile, projects: [project], managers },
        tags: [hostile, "t".repeat(300)],
      }),
    };
    const tab = await browser.open(page?.url ?? "");
    await tab.locator(".job summary").click();
    await tab.getByRole("region", { name: "Log of job 1" }).getByText(hostile).waitFor();
    await tab.getByRole("heading", { name: hostile }).waitFor();
    await checkWidth(tab, 360);
    assert.equal(await tab.locator("#page img, #page script").count(), 0);
    assert.equal(await tab.title(), "Stack made-up");
    assert.deepEqual(browser.complaints, []);
    await tab.close();
  });

  test("with one source down, it says why, and shows the rest and what was there before", async (t) => {
    gitlab = { ...emptyGitLab, jobs: [job(1)] };
    const tab = await browser.open(page?.url ?? "");
    await tab.getByText("2.2 MiB").first().waitFor();
    cacheError = "connect ECONNREFUSED 127.0.0.1:2";
    const alert = section(tab, "Cache").getByRole("alert");
    await alert.waitFor();
    assert.match(
      (await alert.textContent()) ?? "",
      /The object store does not respond:\s+connect ECONNREFUSED 127\.0\.0\.1:2/,
    );
    await section(tab, "Cache").getByText("project/1/").waitFor();
    await section(tab, "Jobs").getByText("job-1").waitFor();
    await checkWidth(tab, 360);
    await takePictures(t, tab, "source-down");
    cacheError = undefined;
    await alert.waitFor({ state: "detached" });
    await tab.close();
  });

  test("when its server is gone, it says so, and goes on when that is back", async (t) => {
    const tab = await browser.open(page?.url ?? "");
    await tab.getByText("Live", { exact: true }).waitFor();
    const port = Number(new URL(page?.url ?? "").port);
    await page?.stop();
    await tab.getByText("The page’s server does not respond").waitFor();
    await checkWidth(tab, 360);
    await takePictures(t, tab, "gone");
    gitlab = { ...emptyGitLab, jobs: [job(7)] };
    page = await start(port);
    await tab.getByText("job-7").waitFor();
    await tab.getByText("Live", { exact: true }).waitFor();
    await tab.close();
  });

  test("works by keyboard alone", async () => {
    gitlab = { ...emptyGitLab, jobs: [job(2), job(1)] };
    const tab = await browser.open(page?.url ?? "");
    await tab.locator(".job").nth(1).waitFor();
    const focused = () =>
      tab.evaluate<string>("document.activeElement?.textContent?.replace(/\\s+/g, ' ').trim() ?? ''");
    await tab.keyboard.press("Tab");
    assert.match(await focused(), /job-2/);
    await tab.keyboard.press("Tab");
    assert.match(await focused(), /job-1/);
    await tab.keyboard.press("Enter");
    await tab.getByRole("region", { name: "Log of job 1" }).waitFor();
    await tab.keyboard.press("Tab");
    assert.match(await focused(), /^trace of 1/, "the trace can be scrolled by keys");
    await tab.keyboard.press("Shift+Tab");
    await tab.keyboard.press("Space");
    await tab.getByRole("region", { name: "Log of job 1" }).waitFor({ state: "detached" });
    await tab.close();
  });
});

describe("the page in a browser, on a sandbox", { timeout: 30 * 60_000 }, () => {
  const browser = new Browser();
  const sandbox = new SandboxUnderTest();
  const scratch = mkdtempSync(join(tmpdir(), "gitlab-runner-test-"));
  /** All that the page's server has sent. */
  const sent: Promise<string>[] = [];
  let tab: Tab;

  before(async () => {
    const [up] = await Promise.all([sandbox.command("up"), browser.start()]);
    assert.equal(up.exitCode, 0, up.all);
    const address = /^Open in a browser: (?<url>http:\S+)$/m.exec(up.stdout)?.groups?.["url"];
    assert.equal(address, pageUrl(sandbox.state));
    tab = await browser.open(address);
    tab.on("response", (response) => {
      // Events come for as long as the page is open.
      if (!response.url().endsWith("/events")) {
        sent.push(response.text().catch(() => ""));
      }
    });
    await tab.evaluate("globalThis.isTheSamePage = true");
  });
  after(async () => {
    await browser.close();
    await sandbox.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  test("its address is in the sandbox's status", async () => {
    const { stdout } = await sandbox.command("status");
    assert.ok(stdout.includes(`Open in a browser: ${pageUrl(sandbox.state)}`), stdout);
    assert.match(stdout, /│ page +│ \d+ +│ running │/);
  });

  test("shows the runner, the manager's pod, the empty cache and the outputs", async () => {
    const runner = section(tab, "Runner");
    await runner.getByRole("heading", { name: "k8s-homelab-runner" }).waitFor();
    await runner.getByText("Never contacted").waitFor();
    assert.deepEqual(await runner.locator(".chips li").allTextContents(), ["kubernetes", "homelab"]);
    await runner.getByText("homelab/infrastructure").waitFor();
    const pods = section(tab, "Pods");
    await pods.getByRole("heading", { name: "Manager" }).waitFor();
    await pods.getByText("Running", { exact: true }).waitFor();
    await pods.getByText("1/1").waitFor();
    await pods.getByText("polycephala").waitFor();
    await section(tab, "Cache").getByText("gitlab-runner-cache").waitFor();
    await section(tab, "Events")
      .getByText(/^Pod\//)
      .first()
      .waitFor();
    const deployed = section(tab, "Deployed");
    await deployed.getByText("gitlab-runner-0.86.0").waitFor();
    await deployed.getByText("kubernetes, homelab").waitFor();
    await checkAccessibility(tab);
  });

  test("copies a command", async () => {
    const command = `npm run sandbox -- --dir ${sandbox.path} job`;
    await tab
      .getByRole("button", { name: `Copy: ${command}` })
      .first()
      .click();
    await tab.locator("button[data-done=Copied]").waitFor();
    assert.equal(await tab.evaluate<string>("navigator.clipboard.readText()"), command);
  });

  test("shows a job at work, its pod and its trace, and then the cache, without a reload", async (t) => {
    const file = join(scratch, "slow.gitlab-ci.yml");
    writeFileSync(
      file,
      `slow:
  tags: [kubernetes]
  cache:
    key: dependencies
    paths: [dependencies/]
  script:
    - mkdir dependencies && head -c 5000 /dev/urandom > dependencies/blob
    - printf '\\033[31mred\\033[0m <b>not bold</b>\\n'
    - echo "the token of whoever runs the sandbox is ${sandbox.state.secrets["gitlabToken"] ?? ""}"
    - sleep 6
    - echo all done
`,
    );
    const done = sandbox.command("job", file);
    const job = tab.locator(".job[data-job='1']");
    await job.getByText("Running").waitFor();
    await job.locator("summary").click();
    const trace = tab.getByRole("region", { name: "Log of job 1" });
    const pod = section(tab, "Pods").locator("li").filter({ hasText: "Job #1" });
    await pod.getByText("homelab/infrastructure").waitFor();
    await trace.locator(".fg-red", { hasText: "red" }).last().waitFor();
    await trace.getByText("<b>not bold</b>").last().waitFor();
    assert.doesNotMatch((await trace.textContent()) ?? "", /all done\n|section_start|\u001B/);
    await takePictures(t, tab, "job-running");

    await job.getByText("Passed").waitFor();
    await trace.getByText("all done").last().waitFor();
    await trace.getByText("Job succeeded").waitFor();
    assert.match((await trace.textContent()) ?? "", /sandbox is \[/, "the token is masked");
    await pod.waitFor({ state: "detached" });
    await section(tab, "Runner").getByText("Online").waitFor();
    const object = section(tab, "Cache").getByRole("row").filter({ hasText: "project/75488734/dependencies" });
    await object.getByText(/\d B|KiB/).waitFor();
    await object.getByText("homelab/infrastructure").waitFor();
    const { exitCode, all } = await done;
    assert.equal(exitCode, 0, all);
    await checkAccessibility(tab);
    await checkWidth(tab, 360);
    await takePictures(t, tab, "job-done");
  });

  test("shows a project that the runner is enabled for, without a reload", async () => {
    const runner = section(tab, "Runner");
    assert.equal(await runner.getByText("homelab/website").count(), 0);
    await sandbox.exec("pulumi", "config", "set", "--path", "extraProjects[0]", "75488735");
    await sandbox.exec("pulumi", "up", "--yes", "--skip-preview", "--non-interactive");
    await runner.getByText("homelab/website").waitFor();
    await section(tab, "Deployed").getByText("75488735", { exact: true }).waitFor();
    assert.equal(await tab.evaluate<boolean>("globalThis.isTheSamePage === true"), true);
  });

  test("was sent no secret", async () => {
    const kubernetes = await sandbox.kubectl<{ items: { data?: Record<string, string> }[] }>(
      "--namespace",
      "gitlab-runner",
      "get",
      "secrets",
    );
    const inSecrets = kubernetes.items
      .flatMap(({ data = {} }) => Object.entries(data))
      .filter(([key]) => ["runner-token", "accesskey", "secretkey"].includes(key))
      .map(([, value]) => Buffer.from(value, "base64").toString());
    assert.equal(inSecrets.length, 3);
    const { minioUser: _, ...own } = sandbox.state.secrets;
    const texts = [await eventText(), ...(await Promise.all(sent))].join("\n");
    assert.ok(texts.includes("k8s-homelab-runner") && texts.includes("not bold"));
    for (const secret of [...inSecrets, ...Object.values(own)]) {
      assert.ok(secret.length > 10);
      assert.ok(!texts.includes(secret), "a secret was sent to the page");
    }
    assert.deepEqual(browser.complaints, []);
  });

  test("goes with the sandbox", async () => {
    const { exitCode, all } = await sandbox.command("down");
    assert.equal(exitCode, 0, all);
    assert.match(all, /Stopped .*\bpage\b/);
    await tab.getByText("The page’s server does not respond").waitFor();
  });

  /** Events of a few seconds, which a browser does not hand out as a response's text. */
  async function eventText(): Promise<string> {
    const response = await fetch(`${pageUrl(sandbox.state)}/events`);
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      const last = text.split("\nevent: snapshot\n").at(-1) ?? "";
      if (["gitlab", "cluster", "cache", "stack"].every((part) => last.includes(`"${part}":{"data"`))) {
        break;
      }
    }
    return text;
  }
});
