import { iamPolicy } from "./minio/iam-policy.ts";
import { iamUser } from "./minio/iam-user.ts";
import { iamUserPolicyAttachment } from "./minio/iam-user-policy-attachment.ts";
import { ilmPolicy } from "./minio/ilm-policy.ts";
import { MinioClients, minioConnection } from "./minio/minio-clients.ts";
import { s3Bucket } from "./minio/s3-bucket.ts";
import { serveProvider } from "./provider-server.ts";

let clients: MinioClients | undefined;

function connected(): MinioClients {
  if (clients === undefined) {
    throw new Error("minio: the provider is not configured");
  }
  return clients;
}

const resources = {
  "minio:index/s3Bucket:S3Bucket": s3Bucket(connected),
  "minio:index/ilmPolicy:IlmPolicy": ilmPolicy(connected),
  "minio:index/iamPolicy:IamPolicy": iamPolicy(connected),
  "minio:index/iamUser:IamUser": iamUser(connected),
  "minio:index/iamUserPolicyAttachment:IamUserPolicyAttachment": iamUserPolicyAttachment(connected),
};

await serveProvider({
  name: "minio",
  version: "0.17.1",
  configure(config) {
    clients = new MinioClients(minioConnection(config, process.env));
  },
  resources,
});
