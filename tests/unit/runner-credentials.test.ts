import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { RunnerCredentials } from "../../components/runner-credentials.ts";
import { deploy, valueOf } from "./mock-engine.ts";

const token = "glrt-t3_aaaaaaaaaaaaaaaaaaaa";
const args = {
  namespace: "gitlab-runner",
  token,
  cacheKeys: { accessKey: "ACCESSKEY0123456789A", secretKey: "very-secret" },
};
const secretType = "kubernetes:core/v1:Secret";

describe("RunnerCredentials", { timeout: 20_000 }, () => {
  test("makes the Secrets with the keys that the chart reads, and leaves their names to Pulumi", async () => {
    const { one, result } = await deploy(() => new RunnerCredentials("credentials", args));
    assert.deepEqual(one(secretType, "credentials-token").inputs, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { namespace: "gitlab-runner" },
      stringData: { "runner-registration-token": "", "runner-token": token },
    });
    assert.deepEqual(one(secretType, "credentials-cache").inputs, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { namespace: "gitlab-runner" },
      stringData: { accesskey: "ACCESSKEY0123456789A", secretkey: "very-secret" },
    });
    assert.equal(await valueOf(result.tokenSecret), "credentials-token-1a2b3c4d");
    assert.equal(await valueOf(result.cacheSecret ?? pulumi.output("")), "credentials-cache-1a2b3c4d");
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
});
