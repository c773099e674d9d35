import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import fc from "fast-check";
import { startGitLabEmulator } from "../../sandbox/gitlab/emulator.ts";
import { newestChart } from "../../tools/doctor/chart-index.ts";
import { ok, problem, skipped, warning, type Check, type CheckResult } from "../../tools/doctor/check.ts";
import { describeError, errorCode, httpStatus } from "../../tools/clients/describe-error.ts";
import { GitLabApi } from "../../tools/clients/gitlab.ts";
import { Masker } from "../../tools/doctor/masker.ts";
import { describeResult, isHealthy, jsonReport, summary } from "../../tools/doctor/report.ts";
import { runChecks } from "../../tools/doctor/run-checks.ts";
import { NoAnswerError, within } from "../../tools/clients/time-limit.ts";
import { lengthOfTime, moment, parseGoDuration } from "../../tools/doctor/times.ts";

function check(id: string, run: Check<string[]>["run"], needs: string[] = []): Check<string[]> {
  return { id, title: `${id} is well`, needs, run };
}

function result(overrides: Partial<CheckResult> = {}): CheckResult {
  return { id: "a", title: "A is well", status: "ok", found: "fine", todo: null, ...overrides };
}

const run = (checks: readonly Check<string[]>[], mask = (text: string) => text) =>
  Promise.all(runChecks(checks, { context: [], mask }));

describe("runChecks", { timeout: 10_000 }, () => {
  test("skips what needs a check that failed, and goes on with the rest", async () => {
    const results = await run([
      check("a", () => Promise.resolve(problem("broken", "fix it"))),
      check("b", () => Promise.resolve(ok("not asked")), ["a"]),
      check("c", () => Promise.resolve(ok("not asked")), ["b"]),
      check("d", () => Promise.resolve(warning("odd", "look"))),
      check("e", () => Promise.resolve(ok("asked")), ["d"]),
    ]);
    assert.deepEqual(
      results.map(({ id, status, found }) => [id, status, found]),
      [
        ["a", "problem", "broken"],
        ["b", "skipped", "It needs: a is well."],
        ["c", "skipped", "It needs: a is well."],
        ["d", "warning", "odd"],
        ["e", "ok", "asked"],
      ],
    );
  });

  test("keeps the order, whichever check ends first, and runs them side by side", async () => {
    const second = Promise.withResolvers<undefined>();
    const results = await run([
      check("a", async () => {
        await second.promise;
        return ok("waited for b");
      }),
      check("b", () => {
        second.resolve(undefined);
        return Promise.resolve(skipped("no reason"));
      }),
    ]);
    assert.deepEqual(
      results.map(({ id }) => id),
      ["a", "b"],
    );
  });

  test("makes what a check throws a problem, with its secrets masked", async () => {
    const [thrown] = await run([check("a", () => Promise.reject(new Error("the password is swordfish")))], (text) =>
      text.replaceAll("swordfish", "[secret]"),
    );
    assert.deepEqual(thrown, {
      id: "a",
      title: "a is well",
      status: "problem",
      found: "This could not be checked: the password is [secret]",
      todo: "Fix what it reports, then run the doctor again.",
    });
  });
});

describe("Masker", () => {
  test("leaves no secret, whatever is around it, as it is or in base64", () => {
    fc.assert(
      fc.property(fc.string(), fc.stringMatching(/^[\w+/.=-]{8,60}$/), fc.string(), (before, secret, after) => {
        const masker = new Masker();
        masker.add(secret);
        const masked = masker.mask(`${before} ${secret} ${Buffer.from(secret).toString("base64")} ${after}`);
        assert.ok(!masked.replaceAll("[secret]", "").includes(secret));
      }),
    );
  });

  test("masks tokens of GitLab's that it was not told of", () => {
    const masker = new Masker();
    assert.equal(masker.mask("glrt-t3_abcdefghij0123456789, glpat-abcdefghij0123456789"), "[secret], [secret]");
    assert.equal(masker.mask("GR1348941abcdefghij0123456789"), "[secret]");
    assert.equal(masker.mask("gitlab-runner, glibc-2.40-and-later"), "gitlab-runner, glibc-2.40-and-later");
  });

  test("leaves words alone that a short secret is part of", () => {
    const masker = new Masker();
    masker.add("minio", "", undefined);
    assert.equal(masker.mask("minio answers"), "minio answers");
  });
});

describe("describeError", () => {
  test("finds each client's own words", () => {
    const kubernetes = Object.assign(new Error("Unknown API Status Code!"), {
      code: 403,
      body: JSON.stringify({ message: "pods is forbidden" }),
    });
    const gitlab = new Error("404 Runner Not Found", { cause: { response: { status: 404 } } });
    const fetching = new TypeError("fetch failed", {
      cause: Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:9"), { code: "ECONNREFUSED" }),
    });
    const everyAddress = new TypeError("fetch failed", { cause: new AggregateError([new Error("connect ENETDOWN")]) });
    const s3 = Object.assign(new Error("Access Denied."), { code: "AccessDenied" });
    assert.deepEqual(
      [kubernetes, gitlab, fetching, everyAddress, s3].map((error) => describeError(error)),
      [
        "HTTP 403: pods is forbidden",
        "HTTP 404: 404 Runner Not Found",
        "connect ECONNREFUSED 127.0.0.1:9",
        "connect ENETDOWN",
        "AccessDenied: Access Denied.",
      ],
    );
    assert.deepEqual([kubernetes, gitlab, fetching].map(httpStatus), [403, 404, undefined]);
    assert.deepEqual([kubernetes, fetching, s3].map(errorCode), [undefined, "ECONNREFUSED", "AccessDenied"]);
  });

  test("keeps to one short line", () => {
    assert.equal(describeError(new Error("one\n  two")), "one two");
    assert.equal(describeError(new Error("x".repeat(1000))).length, 301);
    assert.equal(describeError(new DOMException("…", "TimeoutError")), "no answer within 10 s");
  });
});

test("within rejects when the time is over, and hands on what came before", { timeout: 10_000 }, async () => {
  await assert.rejects(within(new Promise(() => undefined), 20), new NoAnswerError("no answer within 0.02 s"));
  assert.equal(await within(Promise.resolve(1), 20), 1);
  await assert.rejects(within(Promise.reject(new Error("no")), 20), /^Error: no$/);
});

describe("times", () => {
  test("reads durations as Go writes them", () => {
    assert.deepEqual(["1h0m0s", "3600s", "1m30.5s", "500ms", "", "1 hour", "60"].map(parseGoDuration), [
      3_600_000,
      3_600_000,
      90_500,
      500,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("tells a length of time in one unit", () => {
    const hour = 3_600_000;
    assert.deepEqual([0, 1_000, 59_999, 60_000, hour, 2 * hour, 47 * hour, 48 * hour].map(lengthOfTime), [
      "0 seconds",
      "1 second",
      "59 seconds",
      "1 minute",
      "60 minutes",
      "2 hours",
      "47 hours",
      "2 days",
    ]);
    const now = new Date("2026-11-24T12:00:00Z");
    assert.equal(moment(new Date("2026-11-24T11:55:00.123Z"), now), "2026-11-24T11:55:00Z, 4 minutes ago");
    assert.equal(moment(new Date("2026-11-27T13:00:00Z"), now), "2026-11-27T13:00:00Z, in 3 days");
  });
});

describe("report", () => {
  const plain = (_: unknown, text: string) => text;

  test("is one line for what is ok, and else says what to do below it", () => {
    assert.equal(describeResult(result(), plain), "✔ A is well (fine)");
    assert.equal(
      describeResult(result({ status: "problem", found: "one\ntwo", todo: "do this:\nthis" }), plain),
      "✖ A is well\n    one\n    two\n    → do this:\n      this",
    );
    assert.equal(describeResult(result({ status: "skipped", found: "no cache" }), plain), "– A is well\n    no cache");
  });

  test("counts, and fails for problems only", () => {
    const results = [result(), result({ status: "warning" }), result({ status: "skipped" })];
    assert.equal(summary("x", results), "Stack x: 1 ok, 1 warning, 1 skipped.");
    assert.ok(isHealthy(results));
    const broken = [...results, result({ status: "problem" }), result({ status: "problem" })];
    assert.equal(summary("x", broken), "Stack x: 1 ok, 1 warning, 2 problems, 1 skipped.");
    assert.ok(!isHealthy(broken));
  });

  test("is one document for programs, without the fixes", () => {
    const report = jsonReport("x", [result({ fixes: [] })]);
    assert.deepEqual(JSON.parse(report), { stack: "x", ok: true, checks: [result()] });
  });
});

describe("newestChart", () => {
  const entry = (version: string) =>
    `  - apiVersion: v2\n    dependencies:\n    - version: 99.0.0\n    version: ${version}\n`;

  test("finds the newest that is no pre-release, in an index as Helm writes it", () => {
    const index =
      `apiVersion: v1\nentries:\n  gitlab:\n${entry("9.9.9")}` +
      `  gitlab-runner:\n${entry("0.86.0")}${entry("0.100.0")}${entry('"0.101.0-beta"')}${entry("v0.99.0")}` +
      `  other:\n${entry("3.0.0")}generated: "2026-11-24T00:00:00Z"\n`;
    assert.equal(newestChart(index, "gitlab-runner"), "0.100.0");
    assert.equal(newestChart(index, "other"), "3.0.0");
    assert.equal(newestChart(index, "missing"), undefined);
  });

  test("reads any other form of YAML, too", () => {
    const index = JSON.stringify({ entries: { "gitlab-runner": [{ version: "0.1.0" }, { version: "0.2.0" }] } });
    assert.equal(newestChart(index, "gitlab-runner"), "0.2.0");
    assert.equal(newestChart("apiVersion: v1\n", "gitlab-runner"), undefined);
  });
});

describe("GitLabApi", { timeout: 20_000 }, () => {
  const token = "glpat-of-the-one-who-asks";
  const seed = {
    controlToken: "control-token",
    accessTokens: [{ token, username: "someone", scopes: ["api"] }],
    projects: [{ id: 1, path: "group/project" }],
  };

  test("does not make a runner look alive by verifying its token", async () => {
    const emulator = await startGitLabEmulator({ seed });
    try {
      const api = new GitLabApi(`${emulator.url}/api/v4/`, token);
      const created = await fetch(`${emulator.url}/api/v4/user/runners`, {
        method: "POST",
        headers: { "private-token": token },
        body: new URLSearchParams({ runner_type: "project_type", project_id: "1" }),
      });
      const runner = (await created.json()) as { id: number; token: string };
      assert.deepEqual(await api.verify(runner.token), { valid: true, runnerId: runner.id, expiresAt: undefined });
      assert.deepEqual(await api.managers(runner.id), []);
      const all = await fetch(`${emulator.url}/api/v4/runners/${runner.id}/managers`, {
        headers: { "private-token": token },
      });
      assert.deepEqual(await all.json(), [], "the doctor's own is gone");
      assert.deepEqual(await api.verify("glrt-t3_not-one-of-them-all"), { valid: false });
      assert.equal(await api.runner(runner.id + 1), undefined);
    } finally {
      await emulator.close();
    }
  });

  test("takes what is no GitLab for an answer, and says its status", async () => {
    const server = createServer((_, response) => response.writeHead(502).end("<html>"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const api = new GitLabApi(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v4`, token);
      assert.equal(await api.status(), 502);
    } finally {
      server.close();
    }
  });
});
