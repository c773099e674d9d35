import * as minio from "@pulumi/minio";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { defaultExpiryDays } from "./settings/cache.ts";

/** Inputs of {@link BuildCache}. */
export interface BuildCacheArgs {
  /** Name of the bucket. */
  readonly bucket: pulumi.Input<string>;
  /** `host:port` of MinIO, as the runner and its jobs reach it. */
  readonly server: pulumi.Input<string>;
  /** Prefix of the objects, which the keys are then limited to. @defaultValue the whole bucket */
  readonly path?: pulumi.Input<string | undefined>;
  /** Days until a cached object is deleted. @defaultValue 14 */
  readonly expireAfterDays?: pulumi.Input<number | undefined>;
  /** Maximum size of the bucket in bytes. @defaultValue no limit */
  readonly quota?: pulumi.Input<number | undefined>;
  /** Use an existing bucket, without changing its lifecycle rules and quota. A plain value, since it decides what is created. @defaultValue false */
  readonly adopt?: boolean;
  /** Delete the bucket with its objects; otherwise MinIO refuses to delete a bucket that is not empty. @defaultValue false */
  readonly deleteWithStack?: pulumi.Input<boolean | undefined>;
  /** Change this to any other value to replace the keys; the new ones are created before the old ones are deleted. @defaultValue none */
  readonly rotation?: pulumi.Input<string | undefined>;
}

/** The build cache: a bucket in MinIO, and a key pair that can only read and write its objects. */
export class BuildCache extends pulumi.ComponentResource {
  /** Name of the bucket; resources that use it wait for the bucket. */
  readonly bucket: pulumi.Output<string>;
  /** `host:port` of MinIO, as the runner and its jobs reach it. */
  readonly server: pulumi.Output<string>;
  /** Access key; a secret, available only after it has access to the bucket. */
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
        // The rule is the bucket's: where the bucket is kept or handed to somebody else, by `adopt`, its objects still expire.
        { parent: this, retainOnDelete: true },
      );
    }

    const policy = new minio.IamPolicy(
      `${name}-policy`,
      // Named by Pulumi, so that two stacks or runners can share a bucket.
      {
        policy: pulumi.jsonStringify(
          pulumi.all([bucket.bucket, args.path]).apply(([name, path]) => cachePolicy(name, path)),
        ),
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
    // Set explicitly: the provider would otherwise delete a user with a given name before it creates the new one, and jobs
    // would have no cache in between: https://www.pulumi.com/docs/iac/concepts/options/deletebeforereplace/
    const withoutGap = { parent: this, deleteBeforeReplace: false };
    // Without `forceDestroy`: with it, the MinIO provider deletes the user on any update:
    // https://github.com/aminueza/terraform-provider-minio/blob/v1.20.1/minio/resource_minio_iam_user.go
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
    // An Output of the attachment, so that nobody uses the key before it has access to the bucket.
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

/** Minimum permissions for the runner's cache; objects are deleted by the bucket's lifecycle rule. */
function cachePolicy(bucket: string, path?: string) {
  const prefix = path === undefined ? "" : `${path}/`;
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject"],
        Resource: [`arn:aws:s3:::${bucket}/${prefix}*`],
      },
      // Without ListBucket, S3 answers 403 instead of 404 for an object that does not exist:
      // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
      {
        Effect: "Allow",
        Action: ["s3:ListBucket"],
        Resource: [`arn:aws:s3:::${bucket}`],
        // MinIO answers 404 in spite of it, but only below the prefix.
        ...(path === undefined ? {} : { Condition: { StringLike: { "s3:prefix": [`${prefix}*`] } } }),
      },
      // MinIO lets every user make further keys for itself, unless that is denied:
      // https://github.com/minio/minio/blob/master/cmd/admin-handlers-users.go
      { Effect: "Deny", Action: ["admin:*"] },
    ],
  };
}
