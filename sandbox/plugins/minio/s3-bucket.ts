import type { BucketItem, Client } from "minio";
import { asText, unknownValue } from "../property-values.ts";
import type { Properties } from "../property-values.ts";
import { checkFields, diffFields, inputsAsRead, oneOf, planFields } from "../resource-fields.ts";
import type { Fields } from "../resource-fields.ts";
import { ResourceInitError } from "../resource-handler.ts";
import type { ResourceHandler } from "../resource-handler.ts";
import { autoName } from "../auto-name.ts";
import { bucketAcls, bucketPolicy } from "./bucket-acl.ts";
import { MinioError } from "./minio-clients.ts";
import type { MinioClients } from "./minio-clients.ts";

const fields: Fields = {
  bucket: { type: "string", computed: true, replaces: true },
  bucketPrefix: { type: "string", computed: true, replaces: true },
  acl: { type: "string", default: "private", problem: oneOf(...bucketAcls) },
  forceDestroy: { type: "boolean", default: false },
  objectLocking: { type: "boolean", default: false },
  quota: { type: "number" },
};

/**
 * `minio.S3Bucket`; its id is its name. Creating an existing one fails, and one with objects is deleted only with
 * `forceDestroy`. A refresh drops it if it cannot be read for any reason; without a refresh, deleting one that no longer
 * exists fails.
 * https://github.com/aminueza/terraform-provider-minio/blob/v1.20.1/minio/resource_minio_s3_bucket.go
 */
export function s3Bucket(clients: () => MinioClients): ResourceHandler {
  const applySettings = async (bucket: string, wanted: Properties, old: Properties, signal: AbortSignal) => {
    if (wanted.acl !== (old.acl ?? "private")) {
      await clients().s3(`unable to set bucket policy (${bucket})`, (client) =>
        client.setBucketPolicy(bucket, bucketPolicy(bucket, String(wanted.acl))),
      );
    }
    if (wanted.quota !== old.quota) {
      await (wanted.quota === undefined || wanted.quota === 0
        ? clients().mc(`unable to set bucket quota (${bucket})`, signal, ["quota", "clear", `{alias}/${bucket}`])
        : clients().mc(`unable to set bucket quota (${bucket})`, signal, [
            ...["quota", "set", `{alias}/${bucket}`],
            ...["--size", JSON.stringify(wanted.quota)],
          ]));
    }
  };
  const present = (bucket: string, planned: Properties): Properties => ({
    ...planned,
    bucket,
    arn: `arn:aws:s3:::${bucket}`,
    bucketDomainName: `${clients().endpoint}/minio/${bucket}`,
  });

  return {
    check: (inputs) => ({ inputs, failures: checkFields(fields, inputs) }),
    diff: ({ oldOutputs, newInputs }) => ({ changes: diffFields(fields, oldOutputs, newInputs) }),

    async create(inputs, { name, preview, signal }) {
      const planned = planFields(fields, inputs);
      if (preview) {
        return { id: "", outputs: { ...planned, arn: unknownValue, bucketDomainName: unknownValue } };
      }
      const bucket = asText(inputs.bucket) ?? autoName(asText(inputs.bucketPrefix) ?? name);
      if (await clients().s3(`unable to check bucket (${bucket})`, (client) => client.bucketExists(bucket))) {
        throw new MinioError(`[FATAL] bucket already exists! (${bucket})`, "BucketAlreadyExists");
      }
      await clients().s3(`unable to create bucket (${bucket})`, (client) =>
        client.makeBucket(bucket, clients().region, { ObjectLocking: planned.objectLocking === true }),
      );
      const outputs = present(bucket, { ...planned, bucketPrefix: inputs.bucketPrefix });
      try {
        await applySettings(bucket, planned, {}, signal);
      } catch (error) {
        throw new ResourceInitError({ id: bucket, outputs }, inputs, [(error as Error).message]);
      }
      return { id: bucket, outputs };
    },

    async read(id, inputs, outputs) {
      if (!(await isSeen(clients(), id))) {
        return undefined;
      }
      const live = present(id, { ...planFields(fields, {}, outputs), ...outputs });
      return { id, outputs: live, inputs: inputsAsRead(fields, inputs, live) };
    },

    async update(id, inputs, oldOutputs, { preview, signal }) {
      const planned = planFields(fields, inputs, oldOutputs);
      if (!preview) {
        await applySettings(id, planned, oldOutputs, signal);
      }
      return { ...oldOutputs, ...planned };
    },

    async delete(id, outputs) {
      await clients().s3(`unable to remove bucket (${id})`, async (client) => {
        if (outputs.forceDestroy === true) {
          await removeObjects(client, id);
        }
        await client.removeBucket(id);
      });
    },
  };
}

function versions(client: Client, bucket: string): AsyncIterable<BucketItem & { versionId?: string }> {
  return client.listObjects(bucket, "", true, { IncludeVersion: true }) as AsyncIterable<
    BucketItem & { versionId?: string }
  >;
}

async function isSeen(clients: MinioClients, bucket: string): Promise<boolean> {
  try {
    return await clients.s3(`unable to find bucket (${bucket})`, (client) => client.bucketExists(bucket));
  } catch {
    return false;
  }
}

const batchSize = 1000;

async function removeObjects(client: Client, bucket: string): Promise<void> {
  let batch: { name: string; versionId?: string }[] = [];
  for await (const { name, versionId } of versions(client, bucket)) {
    batch.push({ name: name ?? "", ...(versionId === undefined ? {} : { versionId }) });
    if (batch.length === batchSize) {
      await client.removeObjects(bucket, batch);
      batch = [];
    }
  }
  if (batch.length > 0) {
    await client.removeObjects(bucket, batch);
  }
}
