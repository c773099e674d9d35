import { Client } from "minio";
import { within } from "../clients/time-limit.ts";
import type { StoreKeys } from "../clients/object-store.ts";
import type { StoreConnection } from "./connections.ts";
import type { CacheReport } from "./report.ts";

/** How long counting may take, in milliseconds; a list has a thousand objects a page. */
const countLimit = 8_000;

/** @returns how many objects the bucket has and how large they are */
export async function askStore(
  { server, https, region }: StoreConnection,
  keys: StoreKeys,
  bucket: string,
): Promise<CacheReport> {
  const { hostname, port } = new URL(`${https ? "https" : "http"}://${server}`);
  const client = new Client({
    endPoint: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? (https ? 443 : 80) : Number(port),
    useSSL: https,
    region,
    ...keys,
    retryOptions: { disableRetry: true },
  });
  return within(count(client, bucket, Date.now() + countLimit));
}

async function count(client: Client, bucket: string, deadline: number): Promise<CacheReport> {
  let objects = 0;
  let bytes = 0;
  for await (const { size } of client.listObjectsV2(bucket, "", true) as AsyncIterable<{ size: number }>) {
    objects++;
    bytes += size;
    if (Date.now() > deadline) {
      return { bucket, objects, bytes, isPartial: true };
    }
  }
  return { bucket, objects, bytes, isPartial: false };
}
