import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stringify } from "yaml";
import { findMessage } from "./config-reading.ts";
import { deploy } from "./mock-engine.ts";

const accessKey = "AKIA0123456789";
const secretKey = "s3cr3t-0123456789";
const values = { projectId: 1, cache: { bucket: "ci-cache", credentials: { accessKey, secretKey } } };
const encrypted = { secure: "v1:abc:def" };

describe("keys of a store in a stack's file", { timeout: 20_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gitlab-runner-test-"));
  const started = process.cwd();

  before(async () => {
    await deploy(() => undefined); // Names project and stack; their folder is called rootDirectory.
    mkdirSync(join(folder, "rootDirectory"));
    process.chdir(folder);
  });

  after(() => {
    process.chdir(started);
    rmSync(folder, { recursive: true });
  });

  /** @returns the problems of a stack whose file has these; to the program, the engine says only that something is encrypted */
  function problemsWith(credentials: object): string | undefined {
    const config = { "gitlab-runner:cache": { bucket: "ci-cache", credentials } };
    writeFileSync(join(folder, "rootDirectory", "Pulumi.test.yaml"), stringify({ config }));
    return findMessage({ values, secrets: ["cache"] })
      ?.split("\n")
      .slice(1, -1)
      .join("\n");
  }

  test("may both be encrypted", () => {
    assert.equal(problemsWith({ accessKey: encrypted, secretKey: encrypted }), undefined);
  });

  test("are named, if one is plain text beside an encrypted one, and not shown", () => {
    assert.equal(
      problemsWith({ accessKey: encrypted, secretKey }),
      "  cache.credentials.secretKey: must be encrypted, but is plain text in the stack's file\n" +
        "    pulumi config set --secret --path cache.credentials.secretKey    (asks for it)",
    );
    assert.equal(
      problemsWith({ accessKey, secretKey: encrypted }),
      "  cache.credentials.accessKey: must be encrypted, but is plain text in the stack's file\n" +
        "    pulumi config set --secret --path cache.credentials.accessKey    (asks for it)",
    );
  });

  test("are not encrypted by something else in cache that is", () => {
    assert.match(
      problemsWith({ accessKey, secretKey }) ?? "",
      /^ {2}cache\.credentials: must be encrypted, but is plain text/,
    );
  });

  test("may come from elsewhere than the file, such as an ESC environment", () => {
    rmSync(join(folder, "rootDirectory", "Pulumi.test.yaml"));
    assert.equal(findMessage({ values, secrets: ["cache"] }), undefined);
  });
});
