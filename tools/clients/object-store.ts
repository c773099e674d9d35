import { Client, S3Error } from "minio";
import { callLimit, within } from "./time-limit.ts";

/** Where the object store is, seen from this machine. */
export interface StoreAddress {
  /** `host:port`. */
  readonly server: string;
  readonly https: boolean;
  readonly region: string;
  /** Setting that names it. */
  readonly source: string;
}

/** A pair of keys. */
export interface StoreKeys {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** An object in a bucket. */
export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  readonly modifiedAt: Date;
}

/** What is in a bucket. */
export interface BucketContent {
  readonly count: number;
  readonly bytes: number;
  /** The newest first. */
  readonly newest: readonly StoredObject[];
  /** There is more, and counting it all would have taken too long. */
  readonly isCut: boolean;
}

/** The store's word for a refusal, or undefined where it did what was asked. */
export type Outcome = string | undefined;

/** What a pair of keys could do. */
export interface Trial {
  readonly put: Outcome;
  readonly get: Outcome;
  readonly list: Outcome;
  readonly remove: Outcome;
  /** All buckets that it can see, or the refusal. */
  readonly buckets: readonly string[] | { readonly refused: string };
}

/** How long counting a bucket's objects may take, in milliseconds; a list has a thousand objects a page. */
const countLimit = 8_000;

/** How many objects of a bucket are told, the newest ones. */
const shownObjects = 100;

/** An S3-compatible object store; every call has a limit. */
export class ObjectStore {
  readonly address: StoreAddress;

  constructor(address: StoreAddress) {
    this.address = address;
  }

  get url(): string {
    return `${this.address.https ? "https" : "http"}://${this.address.server}`;
  }

  /** Resolves when something responds by HTTP, with any status. */
  async reach(): Promise<void> {
    await fetch(this.url, { redirect: "manual", signal: AbortSignal.timeout(callLimit) });
  }

  /** @returns the store's response to a listing of one object's name */
  async list(keys: StoreKeys, bucket: string, prefix: string): Promise<Outcome> {
    return outcome(within(names(this.#client(keys), bucket, prefix)));
  }

  /** @returns how many objects a bucket has, how large they are, and the newest of them */
  async content(keys: StoreKeys, bucket: string): Promise<BucketContent> {
    return within(count(this.#client(keys), bucket, Date.now() + countLimit));
  }

  async makeBucket(keys: StoreKeys, bucket: string): Promise<void> {
    await within(this.#client(keys).makeBucket(bucket));
  }

  /**
   * Tests what the runner does with the keys, and what it must not be able to do, with the doctor's own object.
   * The object stays: correct keys cannot delete it, and the bucket's lifecycle rule does.
   */
  async try(keys: StoreKeys, bucket: string, object: string): Promise<Trial> {
    const client = this.#client(keys);
    const text = "Written by `npm run doctor` to test whether the cache works.\n";
    const put = await outcome(within(client.putObject(bucket, object, text)));
    const get = await outcome(within(read(client, bucket, object)));
    const list = await outcome(within(names(client, bucket, object)));
    const remove = await outcome(within(client.removeObject(bucket, object)));
    const buckets = await within(client.listBuckets()).then(
      (found) => found.map(({ name }) => name),
      (error: unknown) => ({ refused: refusal(error) }),
    );
    return { put, get, list, remove, buckets };
  }

  /** @returns when a bucket was created, or undefined if the keys see none of that name */
  async madeAt(keys: StoreKeys, bucket: string): Promise<Date | undefined> {
    const buckets = await within(this.#client(keys).listBuckets());
    return buckets.find(({ name }) => name === bucket)?.creationDate;
  }

  #client({ accessKey, secretKey }: StoreKeys): Client {
    const { hostname, port } = new URL(this.url);
    const { https, region } = this.address;
    return new Client({
      endPoint: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? (https ? 443 : 80) : Number(port),
      useSSL: https,
      region,
      accessKey,
      secretKey,
      retryOptions: { disableRetry: true },
    });
  }
}

async function read(client: Client, bucket: string, object: string): Promise<void> {
  const stream = await client.getObject(bucket, object);
  for await (const _ of stream) {
    // To the end.
  }
}

async function count(client: Client, bucket: string, deadline: number): Promise<BucketContent> {
  let objects: StoredObject[] = [];
  let number = 0;
  let bytes = 0;
  const content = (isCut: boolean) => ({ count: number, bytes, newest: newestOf(objects), isCut });
  for await (const { name, size, lastModified } of client.listObjectsV2(bucket, "", true) as AsyncIterable<Listed>) {
    number++;
    bytes += size;
    objects.push({ key: name, bytes: size, modifiedAt: lastModified });
    if (objects.length === 10 * shownObjects) {
      objects = newestOf(objects);
    }
    if (Date.now() > deadline) {
      return content(true);
    }
  }
  return content(false);
}

/** What the client lists, without prefixes in place of objects. */
interface Listed {
  readonly name: string;
  readonly size: number;
  readonly lastModified: Date;
}

function newestOf(objects: readonly StoredObject[]): StoredObject[] {
  return objects
    .toSorted((a, b) => b.modifiedAt.getTime() - a.modifiedAt.getTime() || a.key.localeCompare(b.key))
    .slice(0, shownObjects);
}

async function names(client: Client, bucket: string, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of client.listObjectsV2(bucket, prefix, true) as AsyncIterable<{ name: string }>) {
    found.push(name);
  }
  return found;
}

async function outcome(work: Promise<unknown>): Promise<Outcome> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return refusal(error);
  }
}

/** The S3 error code; any other error is not a refusal, and is thrown. */
function refusal(error: unknown): string {
  if (error instanceof S3Error && error.code !== undefined) {
    return error.code;
  }
  throw error;
}
