import type { BucketItem, Client } from "minio";
import { shownObjects, type BucketRow, type CachePart } from "./snapshot.ts";

/** A bucket with more objects than this is not counted to its end. */
const countedObjects = 5_000;

/** @returns what MinIO holds, bucket by bucket */
export async function readCache(client: Client, url: string): Promise<CachePart> {
  const buckets = await client.listBuckets();
  return { url, buckets: await Promise.all(buckets.map(({ name }) => readBucket(client, name))) };
}

async function readBucket(client: Client, name: string): Promise<BucketRow> {
  const objects: BucketItem[] = [];
  let isCut = false;
  for await (const object of client.listObjectsV2(name, "", true) as AsyncIterable<BucketItem>) {
    if (objects.length === countedObjects) {
      isCut = true;
      break;
    }
    objects.push(object);
  }
  return {
    name,
    objects: objects
      .map(({ name: key, size, lastModified }) => ({
        key: key ?? "",
        bytes: size,
        modifiedAt: lastModified?.toISOString() ?? null,
      }))
      .sort((a, b) => (b.modifiedAt ?? "").localeCompare(a.modifiedAt ?? "") || a.key.localeCompare(b.key))
      .slice(0, shownObjects),
    count: objects.length,
    bytes: objects.reduce((sum, { size }) => sum + size, 0),
    isCut,
  };
}
