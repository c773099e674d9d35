import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { RunnerCredentials } from "../../components/runner-credentials.ts";
import { deploy, isSecret, valueOf } from "./mock-engine.ts";

const token = "glrt-t3_aaaaaaaaaaaaaaaaaaaa";
const args = {
  namespace: "gitlab-runner",
  release: "gitlab-runner",
  token,
  cacheKeys: { accessKey: "ACCESSKEY0123456789A", secretKey: "very-secret" },
};
const secretType = "kubernetes:core/v1:Secret";

async function checksumOf(changed: Partial<typeof args>): Promise<string> {
  const { result } = await deploy(() => new RunnerCredentials("credentials", { ...args, ...changed }));
  return valueOf(result.checksum);
}

describe("RunnerCredentials", { timeout: 20_000 }, () => {
  test("makes the Secrets with the keys that the chart reads", async () => {
    const { one, result } = await deploy(() => new RunnerCredentials("credentials", args));
    assert.deepEqual(one(secretType, "credentials-token").inputs, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "gitlab-runner-token", namespace: "gitlab-runner" },
      stringData: { "runner-registration-token": "", "runner-token": token },
    });
    assert.deepEqual(one(secretType, "credentials-cache").inputs, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "gitlab-runner-cache-credentials", namespace: "gitlab-runner" },
      stringData: { accesskey: "ACCESSKEY0123456789A", secretkey: "very-secret" },
    });
    assert.equal(await valueOf(result.tokenSecret), "gitlab-runner-token");
    assert.equal(await valueOf(result.cacheSecret ?? pulumi.output("")), "gitlab-runner-cache-credentials");
  });

  test("makes no Secret for a cache that there is not", async () => {
    const { all, result } = await deploy(() => new RunnerCredentials("credentials", { ...args, cacheKeys: undefined }));
    assert.equal(all(secretType).length, 1);
    assert.equal(result.cacheSecret, undefined);
  });

  test("takes a line break off the token, which the runner would send along", async () => {
    const { one } = await deploy(() => new RunnerCredentials("credentials", { ...args, token: `${token}\n` }));
    const data = one(secretType, "credentials-token").inputs["stringData"] as Record<string, string>;
    assert.equal(data["runner-token"], token);
  });

  test("has a checksum that changes with each credential, and is no secret itself", async () => {
    const checksums = await Promise.resolve([
      await checksumOf({}),
      await checksumOf({ token: "glrt-t3_bbbbbbbbbbbbbbbbbbbb" }),
      await checksumOf({ cacheKeys: { ...args.cacheKeys, accessKey: "OTHER" } }),
      await checksumOf({ cacheKeys: { ...args.cacheKeys, secretKey: "other" } }),
    ]);
    assert.equal(new Set(checksums).size, 4);
    assert.equal(await checksumOf({}), checksums[0]);
    checksums.forEach((checksum) => {
      assert.match(checksum, /^[0-9a-f]{64}$/);
    });
    const { result } = await deploy(() => new RunnerCredentials("credentials", args));
    assert.equal(await isSecret(result.checksum), false);
  });
});
