import { Agent } from "node:https";
import { posix } from "node:path";
import { rootCertificates } from "node:tls";
import { Client, S3Error } from "minio";
import type { GitLabJob } from "./gitlab-jobs.ts";
import { quote } from "./job-script.ts";
import type { JobVariables } from "./job-variables.ts";
import { shortToken, type RunnerEntry } from "./runner-config.ts";

/** Inputs for saving and restoring a job's cache. */
export interface JobCacheOptions {
  readonly job: GitLabJob;
  readonly runner: RunnerEntry;
  readonly variables: JobVariables;
  /** Additional certificates that the helper trusts, in PEM format. */
  readonly authorities: readonly string[];
  /** Runs shell text in the project's folder, in the helper container; resolves to its exit code. */
  readonly run: (commands: string, output: (chunk: Buffer) => void) => Promise<number>;
  /** Adds a line to the job's log. */
  readonly say: (line: string) => void;
}

/**
 * A job's cache in the S3-compatible store that `[runners.cache.s3]` names. The manager moves the archives, so jobs never
 * see the keys. Archives are tar.gz, not compatible with the real runner's zip files.
 */
export class JobCache {
  readonly #options: JobCacheOptions;
  readonly #bucket: string;
  readonly #server: string;
  readonly #client: Client | undefined;

  constructor(options: JobCacheOptions) {
    this.#options = options;
    const s3 = options.runner.cache?.s3;
    const server = new URL(`http${s3?.Insecure === true ? "" : "s"}://${s3?.ServerAddress ?? "s3.amazonaws.com"}`);
    this.#bucket = s3?.BucketName ?? "";
    this.#server = server.origin;
    this.#client =
      s3 &&
      new Client({
        endPoint: server.hostname,
        ...(server.port !== "" && { port: Number(server.port) }),
        useSSL: !s3.Insecure,
        ...(!s3.Insecure && { transportAgent: new Agent({ ca: [...rootCertificates, ...options.authorities] }) }),
        accessKey: s3.AccessKey,
        secretKey: s3.SecretKey,
        region: s3.BucketLocation,
      });
  }

  /** Extracts what an earlier job saved; a miss or a failing store is only a warning, as in the runner. */
  async restore(): Promise<void> {
    for (const { key } of this.#options.job.cache.filter(({ policy }) => policy !== "push")) {
      await this.#attempt(key, "read", async (client, name) => {
        this.#options.say(`Downloading cache from ${this.#server}/${this.#bucket}/${name}`);
        const archive = Buffer.concat(await (await client.getObject(this.#bucket, name)).toArray());
        const unpack = `base64 -d <<'END' | tar -xzf -\n${archive.toString("base64")}\nEND`;
        return (await this.#options.run(unpack, () => undefined)) === 0;
      });
    }
  }

  /** Archives and stores the job's cached paths, after a successful job. */
  async save(): Promise<void> {
    for (const { key, paths } of this.#options.job.cache.filter(({ policy }) => policy !== "pull")) {
      await this.#attempt(key, "stored", async (client, name) => {
        const chunks: Buffer[] = [];
        const code = await this.#options.run(`tar -czf - -- ${paths.map(quote).join(" ")} 2>/dev/null`, (chunk) => {
          chunks.push(chunk);
        });
        if (code !== 0) {
          throw new Error(`not all of its paths are there: ${paths.join(", ")}`);
        }
        this.#options.say(`Uploading cache to ${this.#server}/${this.#bucket}/${name}`);
        await client.putObject(this.#bucket, name, Buffer.concat(chunks));
        return true;
      });
    }
  }

  async #attempt(
    key: string,
    done: "read" | "stored",
    work: (client: Client, objectName: string) => Promise<boolean>,
  ): Promise<void> {
    const { say } = this.#options;
    if (this.#client === undefined) {
      say(`Cache ${key} is not ${done}: the runner's configuration names no store.`);
      return;
    }
    try {
      const succeeded = await work(this.#client, this.objectName(key));
      say(succeeded ? `\u001B[32;1mCache ${key} is ${done}.\u001B[0;m` : `WARNING: cache ${key} cannot be unpacked.`);
    } catch (error) {
      say(`\u001B[0;33mWARNING: cache ${key} is not ${done}: ${reason(error)}\u001B[0;m`);
    }
  }

  /**
   * Name of a cache key's object, as in the runner, which refuses a key that leads out of the project's own folder:
   * https://gitlab.com/gitlab-org/gitlab-runner/-/blob/v18.9.0/cache/cache.go
   */
  objectName(key: string): string {
    const { job, runner, variables } = this.#options;
    const owner = runner.cache?.Shared === true ? [] : ["runner", shortToken(runner.token)];
    const path = runner.cache?.Path ?? "";
    const folder = posix.join(path, ...owner, "project", String(job.job_info.project_id));
    const name = posix.join(folder, variables.expand(key));
    if (!name.startsWith(`${folder}/`)) {
      throw new Error("computed cache path outside of project bucket. Please remove `../` from cache key");
    }
    return name;
  }
}

function reason(error: unknown): string {
  if (error instanceof S3Error) {
    return error.code === "NoSuchKey" ? "there is none yet" : `${String(error.code)} from the cache server`;
  }
  return error instanceof Error ? error.message : "unknown reason";
}
