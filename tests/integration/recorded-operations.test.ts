import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { repository } from "../../tools/repository.ts";
import { printedSteps, replacementOrder } from "./printed-steps.ts";
import { expectedOperations, preparations } from "./recorded-operations.ts";
import { SandboxUnderTest } from "./sandbox-under-test.ts";

const sandbox = new SandboxUnderTest();
const folder = mkdtempSync(join(tmpdir(), "recorded-operations-"));
const eventLog = join(folder, "events.json");

/** Commands of the record stand as a person types them; what else they need is in the environment. */
const asTyped = [
  "set -e",
  `cd '${folder}'`,
  `export PULUMI_OPTION_CWD='${repository}'`,
  "export PULUMI_OPTION_YES=true PULUMI_OPTION_SKIP_PREVIEW=true PULUMI_OPTION_NON_INTERACTIVE=true",
  // Without it, Pulumi does not know --event-log.
  "export PULUMI_DEBUG_COMMANDS=true",
].join("\n");

async function run(...commands: readonly string[]) {
  return sandbox.command("exec", "--", "sh", "-c", [asTyped, ...commands].join("\n"));
}

/** The access key, which differs, as the record has it. */
function withoutKey(output: string): string {
  return output.replace(/\([A-Z0-9]{20}\)/g, "(KEY)");
}

describe("the operations recorded with the published providers", { timeout: 30 * 60_000 }, () => {
  before(async () => {
    const { all, exitCode } = await sandbox.command("up");
    assert.equal(exitCode, 0, all);
  });
  after(async () => {
    await sandbox.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const expected of expectedOperations()) {
    test(expected.operation, async () => {
      const preparation = preparations[expected.operation];
      if (preparation !== undefined) {
        const { all, exitCode } = await run(preparation);
        assert.equal(exitCode, 0, all);
      }
      rmSync(eventLog, { force: true });
      const { all, exitCode } = await run(
        expected.before,
        `export PULUMI_OPTION_EVENT_LOG='${eventLog}'`,
        expected.command.replace("+pulumi", "pulumi"),
      );
      assert.deepEqual(
        { exitCode, steps: printedSteps(all), replacementOrder: replacementOrder(eventLog) },
        {
          exitCode: expected.exitCode,
          steps: expected.steps,
          replacementOrder: expected.replacementOrder,
        },
        all,
      );
      for (const fatal of expected.errors.flatMap((error) => /\[FATAL\].*/.exec(error) ?? [])) {
        assert.ok(withoutKey(all).includes(fatal), `${fatal} is not in:\n${all}`);
      }
    });
  }
});
