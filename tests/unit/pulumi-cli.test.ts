import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { z } from "zod";
import { PulumiCli } from "../../tools/pulumi-cli.ts";
import { repository } from "../../tools/repository.ts";

describe("Pulumi's command line", { timeout: 30_000 }, () => {
  const scratch = mkdtempSync(join(tmpdir(), "pulumi-cli-test-"));
  after(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  /** A program that stands in for Pulumi's. */
  function standIn(script: string): string {
    const file = join(scratch, "pulumi");
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  test("is run in the checkout, for the stack, with the environment that it is given", async () => {
    const program = standIn('pwd; echo "$@"; echo "$PULUMI_SKIP_UPDATE_CHECK $OWN $HOME."');
    const pulumi = new PulumiCli({
      program,
      stack: "homelab",
      environment: { OWN: "mine", PATH: process.env["PATH"] },
    });
    const printed = await pulumi.ask(["stack", "export"]);
    assert.deepEqual(printed.split("\n"), [
      repository,
      "stack export --stack homelab --non-interactive",
      "true mine .",
    ]);
  });

  test("is asked about the selected stack where none is named", async () => {
    const pulumi = new PulumiCli({ program: standIn('echo "$@"') });
    assert.equal(await pulumi.ask(["stack", "--show-name"]), "stack --show-name --non-interactive");
  });

  test("gets no input, so that it cannot wait for any", async () => {
    assert.equal(await new PulumiCli({ program: standIn("cat; echo end") }).ask(["up"]), "end");
  });

  test("gets a secret on its standard input, and never as an argument", async () => {
    const record = join(scratch, "record");
    const program = standIn(`echo "$@" > '${record}'; cat >> '${record}'`);
    await new PulumiCli({ program }).setSecret("gitlab-runner:cache.credentials.secretKey", "s3cret");
    assert.equal(
      readFileSync(record, "utf8"),
      "config set --secret --path gitlab-runner:cache.credentials.secretKey --non-interactive\ns3cret",
    );
  });

  test("fails without a word of a secret", async () => {
    const program = standIn('echo "error: $(cat) is no key" >&2; exit 255');
    const pulumi = new PulumiCli({ program, mask: (text) => text.replaceAll("s3cret", "[secret]") });
    await assert.rejects(pulumi.setSecret("gitlab-runner:runnerToken", "s3cret"), {
      name: "UserError",
      message: "pulumi config set: [secret] is no key",
    });
    const plain = new PulumiCli({ program: standIn("exit 1") });
    await assert.rejects(plain.ask(["config", "set", "key", "s3cret"]), { message: "pulumi config set: " });
  });

  test("says what to do where there is no Pulumi, or no such stack", async () => {
    await assert.rejects(new PulumiCli({ program: join(scratch, "nowhere") }).ask(["stack"]), {
      name: "UserError",
      message: "The command pulumi was not found. Install it: https://www.pulumi.com/docs/install/",
    });
    const program = standIn("echo \"error: no stack named 'elsewhere' found\" >&2; exit 255");
    await assert.rejects(new PulumiCli({ program, stack: "elsewhere" }).ask(["stack", "export"]), {
      name: "UserError",
      message: "There is no stack elsewhere. To list the stacks: pulumi stack ls",
    });
  });

  test("gives JSON of the form that is asked for", async () => {
    const pulumi = new PulumiCli({ program: standIn(`echo '{ "runnerId": 42 }'; echo "$@" >&2`) });
    assert.deepEqual(await pulumi.json(z.object({ runnerId: z.number() }), ["stack", "output"]), { runnerId: 42 });
    await assert.rejects(pulumi.json(z.object({ runnerId: z.string() }), ["stack", "output"]), {
      name: "UserError",
      message: /^pulumi stack output has an unexpected format:\n.*runnerId/s,
    });
  });

  test("is run with each line passed on, and returned with its end, whatever that is", async () => {
    const lines: string[] = [];
    const program = standIn("echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three; exit 3");
    const end = await new PulumiCli({ program }).run(["up"], { onLine: (line) => lines.push(line) });
    assert.deepEqual(lines, ["one", "two", "three"]);
    assert.deepEqual(end, {
      exitCode: 3,
      isMissing: false,
      timedOut: false,
      stdout: "one\nthree",
      stderr: "two",
      output: "one\ntwo\nthree",
    });
  });

  test("is stopped when its time is over", async () => {
    const { exitCode, timedOut } = await new PulumiCli({ program: standIn("exec sleep 20") }).run(["up"], {
      timeout: 200,
    });
    assert.deepEqual({ exitCode, timedOut }, { exitCode: undefined, timedOut: true });
  });
});
