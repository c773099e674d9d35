import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { ReadStream, WriteStream } from "node:tty";
import { describe, test } from "node:test";
import { execa } from "execa";
import { repository } from "../../tools/repository.ts";
import { screen, type ScreenOptions } from "../../tools/status/screen.ts";
import type { ClusterPart, GitLabPart, Snapshot } from "../../tools/status/snapshot.ts";
import { FullScreen } from "../../tools/status/terminal.ts";
import { age, plain, size } from "../../tools/status/text.ts";
import { made, watched } from "./status-fixtures.ts";

process.env["TZ"] = "UTC";

const now = new Date("2026-11-24T08:41:02Z");
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();
const terminal: ScreenOptions = { now, columns: 80, rows: 23, isStyled: false, footer: "q quits" };

const pod = (id: number, seconds: number) => made.jobPod(id, { createdAt: ago(seconds) });
const job = (id: number, seconds: number) => made.job(id, { startedAt: ago(seconds) });

const gitlab: GitLabPart = {
  runner: made.runner(),
  // One that has ended is not on the screen.
  jobs: [made.job(8, { status: "success" }), job(7, 65)],
};

const cluster: ClusterPart = {
  pods: [made.managerPod(), pod(7, 64)],
  events: [
    made.event(),
    made.event({
      at: ago(600),
      object: "Pod/gitlab-runner-67db458fd5-v9lv9",
      reason: "BackOff",
      message: "Back-off restarting failed container\nin pod",
      count: 4,
      isWarning: true,
    }),
  ],
};

const cache = { bucket: "gitlab-runner-cache", count: 1234, bytes: 5.5 * 1024 ** 2, objects: [], isCut: false };
const { stack } = watched();

const snapshot: Snapshot = {
  stack: { data: stack },
  gitlab: { data: gitlab },
  cluster: { data: cluster },
  cache: { data: cache },
};

/** A screen as it should be, written with its left edge at a bar. */
function expected(text: string): string {
  return text
    .trim()
    .split("\n")
    .map((line) => line.replace(/^ *\|/, ""))
    .join("\n");
}

describe("the status screen", () => {
  test("shows runner, managers, jobs, cache and events", () => {
    assert.equal(
      screen(snapshot, terminal),
      expected(`
        |Stack homelab, gitlab-runner-0.86.0, namespace gitlab-runner            08:41:02
        |
        |RUNNER    #42 k8s-homelab-runner, online, last contact 3s ago
        |          tags kubernetes, homelab; projects homelab/infrastructure and 1 more
        |
        |MANAGERS  gitlab-runner-67db458fd5-v9lv9  Running  1/1 ready  1 restart  3h
        |          r_0iP4t0jifvM  version 18.9.0  online  contact 3s ago
        |
        |JOBS      homelab/infrastructure  #7 build  Running  64s  runner-t3ab…7-0a1b2c3d
        |
        |CACHE     gitlab-runner-cache: 1,234 objects, 5.5 MiB
        |
        |EVENTS    64s  Pod/runner-t…-7-0a1b2c3d  Scheduled     Successfully assigned it…
        |          10m  Pod/gitlab-r…58fd5-v9lv9  ! BackOff x4  Back-off restarting fail…
        |
        |q quits`),
    );
  });

  test("shows what a source says that cannot answer, and the rest all the same", () => {
    const broken: Snapshot = {
      ...snapshot,
      // What it told before is not shown.
      gitlab: { data: gitlab, error: "HTTP 401: Unauthorized" },
      cache: { data: cache, error: "connect ECONNREFUSED 127.0.0.1:9000" },
    };
    assert.equal(
      screen(broken, terminal),
      expected(`
        |Stack homelab, gitlab-runner-0.86.0, namespace gitlab-runner            08:41:02
        |
        |RUNNER    GitLab: HTTP 401: Unauthorized
        |
        |MANAGERS  gitlab-runner-67db458fd5-v9lv9  Running  1/1 ready  1 restart  3h
        |
        |JOBS      homelab/infrastructure  #7 build  Running  64s  runner-t3ab…7-0a1b2c3d
        |
        |CACHE     Object store: connect ECONNREFUSED 127.0.0.1:9000
        |
        |EVENTS    64s  Pod/runner-t…-7-0a1b2c3d  Scheduled     Successfully assigned it…
        |          10m  Pod/gitlab-r…58fd5-v9lv9  ! BackOff x4  Back-off restarting fail…
        |
        |q quits`),
    );
    assert.equal(
      screen(
        {
          ...snapshot,
          cluster: { error: "no answer within 10 s" },
          stack: { data: stack, error: "no stack named 'homelab'" },
        },
        terminal,
      ),
      expected(`
        |Stack homelab, gitlab-runner-0.86.0, namespace gitlab-runner            08:41:02
        |Pulumi: no stack named 'homelab'
        |
        |RUNNER    #42 k8s-homelab-runner, online, last contact 3s ago
        |          tags kubernetes, homelab; projects homelab/infrastructure and 1 more
        |
        |MANAGERS  Kubernetes: no answer within 10 s
        |          r_0iP4t0jifvM  version 18.9.0  online  contact 3s ago
        |
        |JOBS      Kubernetes: no answer within 10 s
        |          homelab/infrastructure  #7 build  pod unknown  65s
        |
        |CACHE     gitlab-runner-cache: 1,234 objects, 5.5 MiB
        |
        |EVENTS    Kubernetes: no answer within 10 s
        |
        |q quits`),
    );
  });

  test("says so where there is nothing, or nothing yet", () => {
    const silent = { status: "never_contacted", paused: true, contactedAt: null, tags: [], projects: [], managers: [] };
    const idle: Snapshot = {
      stack: { data: { ...stack, namespaces: ["gitlab-runner", "ci-jobs"] } },
      gitlab: { data: { runner: made.runner(silent), jobs: [] } },
      cluster: { data: { pods: [], events: [] } },
      cache: { data: null },
    };
    assert.equal(
      screen(idle, { ...terminal, footer: undefined }),
      expected(`
        |Stack homelab, gitlab-runner-0.86.0, namespaces gitlab-runner and ci-…  08:41:02
        |
        |RUNNER    #42 k8s-homelab-runner, paused, never contacted
        |          no tags
        |
        |MANAGERS  no pods
        |          none has contacted GitLab yet
        |
        |JOBS      none is running
        |
        |CACHE     none
        |
        |EVENTS    none`),
    );
    const waiting: Snapshot = { ...snapshot, gitlab: { data: { runner: null, jobs: [] } }, cluster: {}, cache: {} };
    assert.equal(
      screen(waiting, { ...terminal, footer: undefined }),
      expected(`
        |Stack homelab, gitlab-runner-0.86.0, namespace gitlab-runner            08:41:02
        |
        |RUNNER    an existing runner; the stack has only its token
        |
        |MANAGERS  …
        |
        |JOBS      …
        |
        |CACHE     …
        |
        |EVENTS    …`),
    );
  });

  test("joins what GitLab and Kubernetes know of a job, the longest first", () => {
    const unknown = { ...pod(9, 20), jobId: null, jobName: null, project: "", state: "ImagePullBackOff" };
    const deep = { ...job(8, 1), project: { id: 3, path: "group/deep/down/in/many/folders/website" } };
    const lines = screen(
      {
        ...snapshot,
        gitlab: { data: { ...gitlab, jobs: [deep, job(7, 65)] } },
        cluster: { data: { ...cluster, pods: [unknown, pod(7, 64), { ...pod(5, 130), jobName: "of another name" }] } },
      },
      { ...terminal, columns: 120 },
    ).split("\n");
    const start = lines.findIndex((line) => line.startsWith("JOBS"));
    assert.deepEqual(lines.slice(start, start + 4), [
      "JOBS      homelab/infrastructure                  #5 of another name  Running           2m   runner-t3abcd…nt-5-0a1b2c3d",
      "          homelab/infrastructure                  #7 build            Running           64s  runner-t3abcd…nt-7-0a1b2c3d",
      "                                                                      ImagePullBackOff  20s  runner-t3abcd…nt-9-0a1b2c3d",
      "          …oup/deep/down/in/many/folders/website  #8 build            no pod            1s",
    ]);
  });

  test("fits any terminal, and leaves out what is missed least", () => {
    const full: Snapshot = {
      ...snapshot,
      gitlab: { data: { ...gitlab, jobs: [] } },
      cluster: {
        data: {
          pods: [
            ...Array.from({ length: 3 }, () => made.managerPod()),
            ...Array.from({ length: 12 }, (_, index) => pod(index, index)),
          ],
          events: Array.from({ length: 5 }, () => cluster.events)
            .flat()
            .slice(0, 5),
        },
      },
    };
    for (const columns of [20, 40, 80, 200]) {
      for (let rows = 1; rows <= 40; rows++) {
        const lines = screen(full, { ...terminal, columns, rows }).split("\n");
        assert.ok(lines.length <= rows, `${lines.length} lines for ${rows}`);
        assert.ok(
          lines.every(({ length }) => length <= columns),
          `a line is longer than ${columns}`,
        );
      }
    }
    const lines = screen(full, terminal).split("\n");
    assert.equal(lines.length, 23);
    assert.match(lines.find((line) => line.includes("more")) ?? "", /^ {10}tags/);
    assert.ok(lines.includes("          and 4 more"), lines.join("\n"));
    assert.ok(lines.some((line) => line.startsWith("CACHE")));
    assert.equal(lines.at(-1), "q quits");
    const all = screen(full, { ...terminal, rows: undefined }).split("\n");
    assert.equal(all.filter((line) => line.includes("0a1b2c3d")).length, 12 + 3, "jobs, and events of one");
  });

  test("takes nothing for a command of the terminal's", () => {
    const evil = "\u001b[2J\u001b]0;title\u0007build\u202e\r\nnext";
    const text = screen(
      {
        ...snapshot,
        gitlab: { error: evil },
        cluster: { data: { ...cluster, pods: [{ ...pod(1, 1), jobName: evil }] } },
      },
      terminal,
    );
    assert.ok(text.includes("#1 build next"), text);
    assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
  });

  test("has bold titles and red errors in a terminal", () => {
    const lines = screen({ ...snapshot, cache: { error: "no answer" } }, { ...terminal, isStyled: true }).split("\n");
    const cache = lines.find((line) => line.includes("CACHE"));
    assert.equal(cache, "\u001b[1mCACHE \u001b[22m\u001b[31m    Object store: no answer\u001b[39m");
  });
});

describe("texts of the status screen", () => {
  test("are ages as kubectl has them", () => {
    const ages = [-5, 0, 119, 120, 7_199, 7_200, 172_799, 172_800, 1e7].map((seconds) => age(ago(seconds), now));
    assert.deepEqual(ages, ["0s", "0s", "119s", "2m", "119m", "2h", "47h", "2d", "115d"]);
    assert.equal(age(null, now), "?");
  });

  test("are sizes in binary units", () => {
    const sizes = [0, 1023, 1024, 1536, 150 * 1024, 5 * 1024 ** 3, 3 * 1024 ** 5].map(size);
    assert.deepEqual(sizes, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "150 KiB", "5.0 GiB", "3072 TiB"]);
  });

  test("are one line", () => {
    assert.equal(plain(" a\n\tb\u0000  c "), "a b c");
  });
});

/** A terminal that remembers what was written, and whether keys come one by one. */
class FakeTerminal extends EventEmitter {
  readonly isTTY = true;
  columns = 80;
  rows = 24;
  isRaw = false;
  written = "";
  write(text: string): boolean {
    this.written += text;
    return true;
  }
  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw;
  }
  pause(): void {
    // Nothing comes by itself.
  }
}

describe("the terminal", () => {
  const leave = "\u001b[?1049l\u001b[?25h";

  function open(draw = () => "text") {
    const fake = new FakeTerminal();
    const before = process.listenerCount("SIGTERM");
    const terminal = new FullScreen(fake as unknown as ReadStream, fake as unknown as WriteStream, draw);
    return { fake, terminal, before };
  }

  for (const [name, key] of [
    ["q", "q"],
    ["Ctrl-C", "\u0003"],
  ] as const) {
    test(`is given back as it was after ${name}`, () => {
      const { fake, terminal, before } = open();
      terminal.refresh();
      assert.ok(fake.isRaw);
      assert.match(fake.written, /\u001b\[\?1049h[^]*text/);
      fake.emit("data", Buffer.from("x"));
      assert.equal(terminal.ended.aborted, false);
      fake.emit("data", Buffer.from(key));
      assert.equal(terminal.ended.aborted, true);
      terminal.close();
      assert.equal(fake.isRaw, false);
      assert.ok(fake.written.endsWith(leave), JSON.stringify(fake.written));
      assert.deepEqual([fake.listenerCount("data"), fake.listenerCount("resize")], [0, 0]);
      assert.equal(process.listenerCount("SIGTERM"), before);
    });
  }

  test("ends when the process is told to", () => {
    const { terminal } = open();
    process.emit("SIGTERM");
    assert.equal(terminal.ended.aborted, true);
    terminal.close();
  });

  test("is drawn anew in its new size", () => {
    let size = "";
    const { fake, terminal } = open((...args: unknown[]) => (size = JSON.stringify(args[0])));
    terminal.refresh();
    assert.equal(size, `{"columns":80,"rows":23}`);
    Object.assign(fake, { columns: 40, rows: 10, written: "" });
    fake.emit("resize");
    assert.equal(size, `{"columns":40,"rows":9}`);
    assert.match(fake.written, /\u001b\[2J/);
    terminal.close();
  });
});

describe("npm run status", { timeout: 60_000 }, () => {
  test("says what is wrong, without a stack trace", async () => {
    for (const [args, message] of [
      [["--interval", "0"], /It must be a number of seconds, from 0\.5 to 3600/],
      [["--port", "70000"], /It must be a port, from 1 to 65535/],
      [["--web", "--once"], /option '--web' cannot be used with option '--once'/],
      [["--stack", "homelab", "--web"], /The command pulumi was not found\. Install it: https:/],
      [["--stack", "homelab", "--once"], /The command pulumi was not found\. Install it: https:/],
    ] as const) {
      const { all, exitCode } = await execa(process.execPath, [`${repository}/tools/status.ts`, ...args], {
        env: { PATH: "/nowhere" },
        reject: false,
        all: true,
        timeout: 30_000,
      });
      assert.equal(exitCode, 1);
      assert.match(all, message);
      assert.doesNotMatch(all, /\n +at /);
    }
  });
});
