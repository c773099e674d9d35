import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { execa } from "execa";
import type { GitLabJob } from "../../sandbox/manager/gitlab-jobs.ts";
import { quote, stepScript } from "../../sandbox/manager/job-script.ts";
import { jobVariables } from "../../sandbox/manager/job-variables.ts";
import { job, runner } from "./manager-fixtures.ts";

const timeout = 20_000;

async function run(t: TestContext, commands: string[], variables: GitLabJob["variables"] = [], shell = "bash") {
  const folder = await mkdtemp(join(tmpdir(), "job-script-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const script = stepScript(jobVariables(job({ variables }), runner(), folder), commands);
  const result = await execa(shell, [], { input: script, all: true, reject: false, env: { PATH: "/usr/bin:/bin" } });
  return { exitCode: result.exitCode, output: result.all, folder };
}

test("commands are shown and run in the project's folder", { timeout }, async (t) => {
  const { exitCode, output, folder } = await run(t, ["echo hello", "pwd"]);
  assert.equal(exitCode, 0);
  assert.equal(output, `\u001B[32;1m$ echo hello\u001B[0;m\nhello\n\u001B[32;1m$ pwd\u001B[0;m\n${folder}/home/lab`);
});

for (const shell of ["bash", "sh"]) {
  test(`${shell}: the first command that fails is the last, with its exit code`, { timeout }, async (t) => {
    const { exitCode, output } = await run(t, ["echo before", "(exit 7)", "echo after"], [], shell);
    assert.equal(exitCode, 7);
    assert.match(output, /before/);
    assert.doesNotMatch(output, /\nafter/);
  });
}

test("a failure in the middle of a pipe counts", { timeout }, async (t) => {
  assert.equal((await run(t, ["false | cat"])).exitCode, 1);
});

test("commands find no input, not the rest of the script", { timeout }, async (t) => {
  const { exitCode, output } = await run(t, ["cat", "echo done"]);
  assert.equal(exitCode, 0);
  assert.match(output, /\ndone$/);
});

test("variables reach the commands with every character, and file variables as files", { timeout }, async (t) => {
  const value = `it's "$HOME" \`x\` \\ \n end`;
  const { output } = await run(
    t,
    ['printf %s "$PLAIN"', 'cat "$FILE"'],
    [
      { key: "PLAIN", value, raw: true },
      { key: "FILE", value: "content", file: true },
      { key: "not a name", value: "x" },
    ],
  );
  assert.ok(output.includes(value));
  assert.match(output, /content$/);
});

test("quoting survives a shell", { timeout }, async () => {
  const text = "a'b\n$c\"\\";
  const { stdout } = await execa("sh", ["-c", `printf %s ${quote(text)}`]);
  assert.equal(stdout, text);
});

test("references between variables are resolved once, raw ones not at all", () => {
  const variables = jobVariables(
    job({
      variables: [
        { key: "NAME", value: "lab" },
        { key: "GREETING", value: "hello ${NAME} and $NOBODY" },
        { key: "RAW", value: "$NAME", raw: true },
      ],
    }),
    runner(),
    "/b",
  );
  assert.equal(variables.values.get("GREETING"), "hello lab and ");
  assert.equal(variables.values.get("RAW"), "$NAME");
  assert.equal(variables.expand("$NAME-$RAW-$$"), "lab-$NAME-$$");
});

test("the runner's environment gives way to the job's variables", () => {
  const own = runner({ environment: ["A=runner", "B=runner=x"] });
  const variables = jobVariables(job({ variables: [{ key: "A", value: "job" }] }), own, "/b");
  assert.equal(variables.values.get("A"), "job");
  assert.equal(variables.values.get("B"), "runner=x");
});

test("a project's path cannot lead out of the builds folder", () => {
  const variables = jobVariables(job({ projectPath: "../../etc/./x y/../lab" }), runner(), "/b");
  assert.equal(variables.values.get("CI_PROJECT_DIR"), "/b/etc/lab");
});

test("masked variables, the job's token and the runner's are secrets", () => {
  const variables = jobVariables(job({ variables: [{ key: "P", value: "pass-word", masked: true }] }), runner(), "/b");
  assert.deepEqual(
    new Set(variables.secrets),
    new Set(["pass-word", "job-token-0123456789", "glrt-0123456789abcdefghij", "cache-secret"]),
  );
});
