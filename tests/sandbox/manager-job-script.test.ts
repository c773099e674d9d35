import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { execa } from "execa";
import { inFolder, quote, shownCommands } from "../../sandbox/manager/job-script.ts";
import { jobVariables } from "../../sandbox/manager/job-variables.ts";
import { job, runner } from "./manager-fixtures.ts";

const timeout = 20_000;

async function run(t: TestContext, commands: string[], variables: Record<string, string> = {}, shell = "bash") {
  const root = await mkdtemp(join(tmpdir(), "job-script-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const folder = join(root, "home/lab");
  const script = inFolder(folder, new Map(Object.entries(variables)), shownCommands(commands));
  const result = await execa(shell, [], { input: script, all: true, reject: false, env: { PATH: "/usr/bin:/bin" } });
  return { exitCode: result.exitCode, output: result.all, folder };
}

test("commands are shown and run in the project's folder", { timeout }, async (t) => {
  const { exitCode, output, folder } = await run(t, ["echo hello", "pwd"]);
  assert.equal(exitCode, 0);
  assert.equal(output, `\u001B[32;1m$ echo hello\u001B[0;m\nhello\n\u001B[32;1m$ pwd\u001B[0;m\n${folder}`);
});

for (const shell of ["bash", "sh"]) {
  test(`${shell}: the first command that fails is the last, with its exit code`, { timeout }, async (t) => {
    const { exitCode, output } = await run(t, ["echo before", "(exit 7)", "echo after"], {}, shell);
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

test("variables reach the commands with every character", { timeout }, async (t) => {
  const value = `it's "$HOME" \`x\` \\ \n end`;
  const { output } = await run(t, ['printf %s "$PLAIN"'], { PLAIN: value, "not a name": "x" });
  assert.ok(output.includes(value));
});

test("quoting survives a shell", { timeout }, async () => {
  const text = "a'b\n$c\"\\";
  const { stdout } = await execa("sh", ["-c", `printf %s ${quote(text)}`]);
  assert.equal(stdout, text);
});

test("a name is replaced by its value, and an unknown one by nothing", () => {
  const { expand } = jobVariables(job({ variables: { NAME: "lab", OTHER: "$NAME" } }), runner(), "/b");
  assert.equal(expand("$NAME-${OTHER}-$NOBODY-$"), "lab-$NAME--$");
});

test("the runner's environment gives way to the job's variables", () => {
  const own = runner("", 'environment = ["A=runner", "B=runner=x"]');
  const { values } = jobVariables(job({ variables: { A: "job" } }), own, "/b");
  assert.equal(values.get("A"), "job");
  assert.equal(values.get("B"), "runner=x");
  assert.equal(values.get("CI_PROJECT_DIR"), "/b/home/lab");
});

test("a variable may have others in it, and $$ for $", () => {
  const own = runner("", 'environment = ["A=$NAME/${NAME}", "B=a$$b$", "C=$NOBODY$(x)", "D=${NAME:-x}$1$?${"]');
  const { values } = jobVariables(job({ variables: { NAME: "lab" } }), own, "/b");
  assert.deepEqual(
    ["A", "B", "C", "D"].map((name) => values.get(name)),
    ["lab/lab", "a$b$", "$(x)", ""],
  );
});

test("masked variables, the job's token, the runner's and the cache's key are secrets", () => {
  const variables = { P: "pass-word", Q: "not masked" };
  const { secrets } = jobVariables(job({ variables, masked: "P" }), runner(), "/b");
  assert.deepEqual(secrets, ["pass-word", "job-token-0123456789", "glrt-0123456789abcdefghij", "cache-secret"]);
});
