import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { execa } from "execa";
import { debianTool, missing } from "./debian-tools.ts";
import { including, PipelineProject, templates } from "./pipeline-project.ts";

const shellcheck = await debianTool("shellcheck");

describe("shellcheck", { timeout: 120_000, skip: shellcheck === undefined && missing("shellcheck") }, () => {
  const project = new PipelineProject();
  before(() => project.create());
  after(() => {
    project.remove();
  });

  /** @returns what it finds in commands that run in one POSIX shell */
  async function findings(commands: readonly string[]): Promise<string> {
    const { all, exitCode } = await execa(
      shellcheck ?? "shellcheck",
      ["--norc", "--shell=sh", "--severity=style", "--format=gcc", "-"],
      { input: `${commands.join("\n")}\n`, all: true, reject: false, timeout: 60_000 },
    );
    assert.ok(exitCode === 0 || exitCode === 1, all);
    return all;
  }

  for (const template of templates) {
    test(`has nothing to say about ${template}`, async () => {
      for (const inputs of [{}, { "merge-requests": "push" }]) {
        const { jobs } = await project.expand(including(template, inputs));
        for (const [name, job] of Object.entries(jobs)) {
          assert.equal(await findings([...job.before_script, ...job.script]), "", name);
        }
      }
    });
  }

  test("would find what only some shells know, and what is not quoted", async () => {
    assert.match(await findings(["[[ $1 == x ]]"]), /SC3010/);
    assert.match(await findings(["rm $1"]), /SC2086/);
  });
});
