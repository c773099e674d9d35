import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { parseQuantity } from "../quantity.ts";
import { input, isOutput, object } from "./setting.ts";
import { bytes } from "./values.ts";

const secretText = input(
  z.custom<string>(
    (value) => (typeof value === "string" && value.trim() !== "") || isOutput(value),
    "must be text, and not empty",
  ),
);

/** Name of a bucket; rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const bucketName = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9.]{1,61})[a-z0-9]$/,
    "must be a bucket name: a-z, 0-9, - and ., 3 to 63 characters, a letter or digit at both ends",
  )
  .refine((name) => !/\.\.|\.-|-\./.test(name), "must not contain .., .- or -.")
  .refine((name) => !/^\d+(\.\d+){3}$/.test(name), "must not look like an IP address")
  // https://github.com/minio/minio/blob/master/cmd/generic-handlers.go (minioReservedBucket)
  .refine((name) => name !== "minio", "must not be minio, which MinIO keeps for itself")
  .refine(
    (name) => !/^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3)$/.test(name),
    "must not start or end as the names that S3 reserves (xn--, -s3alias, …)",
  );

/** Days until a cached object is deleted, where nothing else is said. */
export const defaultExpiryDays = 14;

const s3Bucket = "minio:index/s3Bucket:S3Bucket";

/** Settings of the build cache. */
export const cacheSettings = object({
  bucket: bucketName.optional().meta({
    description: "Name of the bucket.",
    unset: "the component's name with `-cache`: `gitlab-runner-cache`",
    example: "gitlab-runner-cache",
    to: [{ toml: "cache.s3.BucketName" }, { resource: s3Bucket, input: "bucket" }],
  }),
  server: z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?$/, "must be host or host:port, without http:// or a path")
    .default("minio.minio.svc.cluster.local:9000")
    .meta({
      description: "`host:port` of the object store, as the runner and its jobs reach it.",
      to: { toml: "cache.s3.ServerAddress" },
    }),
  insecure: z
    .boolean()
    .default(true)
    .meta({
      description: "Use plain HTTP to connect to `server`.",
      to: { toml: "cache.s3.Insecure" },
    }),
  region: z
    .string()
    .regex(/^[A-Za-z0-9-]+$/, "must be the name of a region")
    .default("us-east-1")
    .meta({
      description: "Region of the bucket; never empty: the runner would ask AWS for it, and wait 30 s.",
      to: { toml: "cache.s3.BucketLocation" },
    }),
  path: z
    .string()
    .regex(
      /^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/,
      "must be a prefix such as gitlab.example.com or ci/one, without / around it",
    )
    .refine(
      (path) => !path.split("/").some((part) => /^\.\.?$/.test(part)),
      "must not have . or .. between its slashes",
    )
    .optional()
    .meta({
      description:
        "Prefix of all objects, one for each GitLab that uses the bucket: they have projects of the same ids. Keys that are created are for it alone.",
      unset: "none: `project/<id>/…`",
      example: "gitlab.example.com",
      to: { toml: "cache.Path" },
    }),
  // From 292 years on, MinIO's clock overflows, and it deletes objects at once:
  // https://github.com/minio/minio/blob/master/internal/bucket/lifecycle/lifecycle.go (ExpectedExpiryTime)
  expireAfterDays: z
    .int()
    .min(1)
    .max(36_500)
    .optional()
    .meta({
      description: "Days until a cached object is deleted.",
      unset: `\`${defaultExpiryDays}\``,
      example: defaultExpiryDays,
      to: {
        resource: "minio:index/ilmPolicy:IlmPolicy",
        input: "rules.0.expiration",
        as: (days: number) => `${days}d`,
      },
    }),
  quota: bytes
    .refine((text) => {
      const quota = parseQuantity(text) ?? 1;
      return text.endsWith("m") || (Number.isSafeInteger(quota) && quota > 0);
    }, `must be a whole number of bytes from 1 to ${Number.MAX_SAFE_INTEGER}`)
    .optional()
    .meta({
      description: "The most that the bucket may hold, in bytes, such as `50Gi`.",
      unset: "no limit",
      example: "50Gi",
      to: { resource: s3Bucket, input: "quota", as: parseQuantity },
    }),
  adopt: z.boolean().default(false).meta({
    description:
      "Use an existing bucket, also one that this stack has made, instead of creating one; its lifecycle rules and quota stay.",
  }),
  deleteWithStack: z
    .boolean()
    .optional()
    .meta({
      description:
        "Delete the bucket with all objects in it when the stack is destroyed; otherwise `pulumi destroy` fails while it has any.",
      unset: "`false`",
      example: false,
      to: { resource: s3Bucket, input: "forceDestroy" },
    }),
  credentials: object({
    accessKey: secretText.meta({ description: "Access key.", secret: true }),
    secretKey: secretText.meta({ description: "Secret key.", secret: true }),
  })
    .optional()
    .meta({
      description:
        "Keys of an S3-compatible store that is managed elsewhere (AWS S3, Ceph, Garage, …); then nothing is created in MinIO.",
      unset: "a pair of keys created in MinIO, for the bucket alone",
      secret: true,
      fix: "pulumi config rm --path cache.credentials    (then pulumi config set --secret --path cache.credentials.accessKey, and the same for secretKey)",
    }),
});

/** Complete settings of the build cache. */
export interface CacheSettings extends z.output<typeof cacheSettings> {}

/** @returns a pair of keys as secrets */
export function withSecretKeys(keys: {
  readonly accessKey: pulumi.Input<string>;
  readonly secretKey: pulumi.Input<string>;
}) {
  return { accessKey: pulumi.secret(keys.accessKey), secretKey: pulumi.secret(keys.secretKey) };
}
