const bucketReads = ["s3:GetBucketLocation", "s3:ListBucket"];
const bucketWrites = ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"];
const objectReads = ["s3:GetObject"];
const objectWrites = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject"];

/** The canned ACLs of a bucket, which define anonymous access. */
export const bucketAcls = ["private", "public-read", "public-write", "public-read-write", "public"] as const;

/** @returns the bucket's policy as JSON; empty for `private`, for which MinIO has no policy */
export function bucketPolicy(bucket: string, acl: string): string {
  const resource = `arn:aws:s3:::${bucket}`;
  const statement = (actions: readonly string[], target: string) => ({
    Effect: "Allow",
    Principal: { AWS: ["*"] },
    Action: actions,
    Resource: [target],
  });
  const statements = {
    "public-read": [statement(bucketReads, resource), statement(objectReads, `${resource}/*`)],
    "public-write": [statement(bucketWrites, resource), statement(objectWrites, `${resource}/*`)],
    "public-read-write": [
      statement([...new Set([...bucketReads, ...bucketWrites])], resource),
      statement([...objectReads, ...objectWrites], `${resource}/*`),
    ],
    public: [statement(["s3:*"], resource), statement(["s3:*"], `${resource}/*`)],
  }[acl];
  return statements === undefined ? "" : JSON.stringify({ Version: "2012-10-17", Statement: statements });
}
