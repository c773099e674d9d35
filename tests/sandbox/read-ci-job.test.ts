import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { readCiJob } from "../../sandbox/read-ci-job.ts";

describe("readCiJob", { timeout: 20_000 }, () => {
  const scratch = mkdtempSync(join(tmpdir(), "gitlab-runner-test-"));
  after(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  function file(text: string): string {
    const path = join(scratch, "job.yml");
    writeFileSync(path, text);
    return path;
  }

  test("reads a job as GitLab would", () => {
    const job = readCiJob(
      file(`
        lint:
          image: { name: "node:24" }
          tags: [kubernetes]
          variables: { LEVEL: 2 }
          cache: { key: npm, paths: [.npm/] }
          before_script: npm ci
          script: [npm run lint]
      `),
      42,
    );
    assert.deepEqual(job, {
      projectId: 42,
      name: "lint",
      image: "node:24",
      tags: ["kubernetes"],
      variables: { LEVEL: "2" },
      cache: [{ key: "npm", paths: [".npm/"] }],
      script: ["npm ci", "npm run lint"],
      protected: true,
    });
  });

  for (const [title, text, expected] of [
    ["no job", "# nothing", /has 0 jobs/],
    ["two jobs", "a: {script: x}\nb: {script: x}", /has 2 jobs/],
    ["a job without a script", "a: {tags: [x]}", /job a: .*\n.*script/],
    ["a keyword that needs more than a runner", "a: {script: x, needs: [b]}", /job a: .*needs/],
    ["a keyword that the stand-in does not know", "a: {script: x, after_script: y}", /job a: .*after_script/],
    ["text that is no YAML", "a: {script: [", /is not YAML/],
  ] as const) {
    test(`explains ${title}, and what it takes`, () => {
      assert.throws(() => readCiJob(file(text), 1), { name: "UserError", message: expected });
      assert.throws(() => readCiJob(file(text), 1), /exactly one job, such as sandbox\/cache-job\.gitlab-ci\.yml/);
    });
  }
});
