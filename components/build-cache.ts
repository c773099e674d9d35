import * as minio from "@pulumi/minio";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { defaultExpiryDays } from "./settings/cache.ts";

/** Inputs of {@link BuildCache}. */
export interface BuildCacheArgs {
  /** Name of the bucket. */
  readonly bucket: pulumi.Input<string>;
  /** `host:port` that the runner and its jobs reach MinIO at. */
  readonly server: pulumi.Input<string>;
  /** Days until a cached object is deleted. @defaultValue 14 */
  readonly expireAfterDays?: pulumi.Input<number | undefined>;
  /** The most that the bucket may hold, in bytes. @defaultValue no limit */
  readonly quota?: pulumi.Input<number | undefined>;
  /** Use a bucket that exists already, with the expiry rules and the quota it has. A plain value, since it decides what is created. @defaultValue false */
  readonly adopt?: boolean;
  /** Delete the cached objects along with the bucket; without it, MinIO keeps a bucket that is not empty. @defaultValue false */
  readonly deleteWithStack?: pulumi.Input<boolean | undefined>;
  /** Change it to any other value, and the keys are replaced: the new before the old. @defaultValue none */
  readonly rotation?: pulumi.Input<string | undefined>;
}

/** The build cache: a bucket in MinIO, and a pair of keys that can read and write its objects and nothing else. */
export class BuildCache extends pulumi.ComponentResource {
  /** Name of the bucket; whatever uses it waits for the bucket. */
  readonly bucket: pulumi.Output<string>;
  /** `host:port` that the runner and its jobs reach MinIO at. */
  readonly server: pulumi.Output<string>;
  /** Access key; a secret, and there only once it may use the bucket. */
  readonly accessKey: pulumi.Output<string>;
  /** Secret key; a secret. */
  readonly secretKey: pulumi.Output<string>;

  constructor(name: string, args: BuildCacheArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gitlab-runner:index:BuildCache", name, args, opts);
    const keepers = { rotation: pulumi.output(args.rotation).apply((rotation) => rotation ?? "") };

    const bucket =
      args.adopt === true
        ? minio.S3Bucket.get(name, args.bucket, undefined, { parent: this })
        : new minio.S3Bucket(
            name,
            { bucket: args.bucket, forceDestroy: args.deleteWithStack, quota: args.quota },
            { parent: this },
          );
    if (args.adopt !== true) {
      new minio.IlmPolicy(
        `${name}-expiry`,
        {
          bucket: bucket.bucket,
          rules: [
            {
              id: "expire-cache",
              expiration: pulumi.output(args.expireAfterDays).apply((days) => `${days ?? defaultExpiryDays}d`),
            },
          ],
        },
        { parent: this },
      );
    }

    const policy = new minio.IamPolicy(
      `${name}-policy`,
      // Without a name of its own, so that two stacks or runners can share a bucket.
      {
        policy: pulumi.jsonStringify(cachePolicy(bucket.bucket)),
      },
      { parent: this },
    );
    const accessKey = new random.RandomString(
      `${name}-access-key`,
      { length: 20, lower: false, special: false, keepers },
      { parent: this },
    );
    const secretKey = new random.RandomPassword(
      `${name}-secret-key`,
      { length: 40, special: false, keepers },
      { parent: this },
    );
    // Said, since the provider would delete a user that has a given name before it makes the new one, and jobs would be
    // without a cache meanwhile: https://www.pulumi.com/docs/iac/concepts/options/deletebeforereplace/
    const withoutGap = { parent: this, deleteBeforeReplace: false };
    // Without `forceDestroy`: with it, MinIO's provider lets any update delete the user (pitfall 11).
    const user = new minio.IamUser(
      `${name}-user`,
      { name: pulumi.secret(accessKey.result), secret: secretKey.result },
      withoutGap,
    );
    const attachment = new minio.IamUserPolicyAttachment(
      `${name}-user-policy`,
      { userName: user.name, policyName: policy.name },
      withoutGap,
    );

    this.bucket = bucket.bucket;
    this.server = pulumi.output(args.server);
    // The attachment's own output, so that nobody holds the key before it opens the bucket.
    this.accessKey = pulumi.secret(attachment.userName);
    this.secretKey = pulumi.secret(secretKey.result);
    this.registerOutputs({
      bucket: this.bucket,
      server: this.server,
      accessKey: this.accessKey,
      secretKey: this.secretKey,
    });
  }
}

/** The least that the runner's cache needs; deleting is left to the bucket's expiry rule. */
function cachePolicy(bucket: pulumi.Output<string>) {
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject"],
        Resource: [pulumi.interpolate`arn:aws:s3:::${bucket}/*`],
      },
      // Without ListBucket a cache that is not there yet is a 403 instead of a 404 (pitfall 3).
      { Effect: "Allow", Action: ["s3:ListBucket"], Resource: [pulumi.interpolate`arn:aws:s3:::${bucket}`] },
    ],
  };
}
