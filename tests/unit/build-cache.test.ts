import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BuildCache } from "../../components/build-cache.ts";
import { deploy, isSecret, valueOf } from "./mock-engine.ts";

const args = { bucket: "gitlab-runner-cache", server: "minio:9000", expireAfterDays: 14 };

describe("BuildCache", { timeout: 20_000 }, () => {
  test("makes a bucket whose objects expire", async () => {
    const { one } = await deploy(() => new BuildCache("cache", args));
    assert.deepEqual(one("minio:index/s3Bucket:S3Bucket").inputs["bucket"], "gitlab-runner-cache");
    assert.deepEqual(one("minio:index/ilmPolicy:IlmPolicy").inputs["rules"], [
      { id: "expire-cache", expiration: "14d" },
    ]);
  });

  test("gives out keys that read and write this bucket's objects, and nothing else", async () => {
    const { one, result } = await deploy(() => new BuildCache("cache", args));
    const policy = JSON.parse(String(one("minio:index/iamPolicy:IamPolicy").inputs["policy"])) as {
      Statement: unknown;
    };
    assert.deepEqual(policy.Statement, [
      { Effect: "Allow", Action: ["s3:GetObject", "s3:PutObject"], Resource: ["arn:aws:s3:::gitlab-runner-cache/*"] },
      { Effect: "Allow", Action: ["s3:ListBucket"], Resource: ["arn:aws:s3:::gitlab-runner-cache"] },
      { Effect: "Deny", Action: ["admin:*"] },
    ]);
    assert.deepEqual(one("minio:index/iamUserPolicyAttachment:IamUserPolicyAttachment").inputs, {
      userName: "ACCESSKEY0123456789A",
      policyName: "cache-policy-1a2b3c4",
    });
    assert.equal(await valueOf(result.accessKey), "ACCESSKEY0123456789A");
    assert.equal(await valueOf(result.secretKey), "secretkey0secretkey0secretkey0secretkey0");
    assert.ok(await isSecret(result.accessKey), "the access key is a secret");
    assert.ok(await isSecret(result.secretKey), "the secret key is a secret");
  });

  test("gives out keys for the objects below a prefix alone", async () => {
    const { one } = await deploy(() => new BuildCache("cache", { ...args, path: "gitlab.example.com/ci" }));
    const policy = JSON.parse(String(one("minio:index/iamPolicy:IamPolicy").inputs["policy"])) as {
      Statement: unknown;
    };
    assert.deepEqual(policy.Statement, [
      {
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject"],
        Resource: ["arn:aws:s3:::gitlab-runner-cache/gitlab.example.com/ci/*"],
      },
      {
        Effect: "Allow",
        Action: ["s3:ListBucket"],
        Resource: ["arn:aws:s3:::gitlab-runner-cache"],
        Condition: { StringLike: { "s3:prefix": ["gitlab.example.com/ci/*"] } },
      },
      { Effect: "Deny", Action: ["admin:*"] },
    ]);
  });

  test("never asks MinIO's provider to delete a user that it updates", async () => {
    const { one } = await deploy(() => new BuildCache("cache", args));
    assert.equal(one("minio:index/iamUser:IamUser").inputs["forceDestroy"], undefined);
  });

  test("keeps a bucket with objects in it, unless told to delete them", async () => {
    const kept = await deploy(() => new BuildCache("cache", args));
    assert.equal(kept.one("minio:index/s3Bucket:S3Bucket").inputs["forceDestroy"], undefined);
    const deleted = await deploy(() => new BuildCache("cache", { ...args, deleteWithStack: true }));
    assert.equal(deleted.one("minio:index/s3Bucket:S3Bucket").inputs["forceDestroy"], true);
  });

  test("replaces the keys when the rotation changes", async () => {
    const { one } = await deploy(() => new BuildCache("cache", { ...args, rotation: "2026-11" }));
    assert.deepEqual(one("random:index/randomString:RandomString").inputs["keepers"], { rotation: "2026-11" });
    assert.deepEqual(one("random:index/randomPassword:RandomPassword").inputs["keepers"], { rotation: "2026-11" });
  });

  test("adopts an existing bucket, and does not change its expiry", async () => {
    const { one, all, result } = await deploy(() => new BuildCache("cache", { ...args, adopt: true }));
    assert.equal(one("minio:index/s3Bucket:S3Bucket").inputs["bucket"], undefined, "it is read, not created");
    assert.deepEqual(all("minio:index/ilmPolicy:IlmPolicy"), []);
    assert.equal(await valueOf(result.server), "minio:9000");
  });
});
