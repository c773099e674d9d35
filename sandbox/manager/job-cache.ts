import { createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { Agent } from "node:https";
import { join, posix } from "node:path";
import { finished } from "node:stream/promises";
import { rootCertificates } from "node:tls";
import { Client, S3Error } from "minio";
import type { GitLabJob, JobCacheEntry } from "./gitlab-jobs.ts";
import { quote } from "./job-script.ts";
import type { JobTrace } from "./job-trace.ts";
import type { JobVariables } from "./job-variables.ts";
import type { PodCommand, PodShell } from "./pod-exec.ts";
import { shortToken, type RunnerEntry } from "./runner-config.ts";

/** What saving and restoring a job's cache needs. */
export interface JobCacheOptions {
  readonly job: GitLabJob;
  readonly runner: RunnerEntry;
  readonly variables: JobVariables;
  readonly shell: PodShell;
  readonly trace: JobTrace;
  /** Certificates that the helper trusts besides the usual ones, as PEM. */
  readonly authorities: readonly string[];
  /** Folder for an archive between pod and store. */
  readonly scratch: string;
}

/**
 * A job's cache in the S3-compatible store that `[runners.cache.s3]` names. The manager moves the archives, so jobs never
 * see the keys. Archives are tar.gz: the real runner's zip files are not read, nor the other way round.
 */
export class JobCache {
  readonly #options: JobCacheOptions;
  readonly #bucket: string;
  readonly #server: string;
  readonly #client: Client | undefined;

  constructor(options: JobCacheOptions) {
    this.#options = options;
    const { Type: type, s3 } = options.runner.cache ?? {};
    const server = new URL(`http${s3?.Insecure === true ? "" : "s"}://${s3?.ServerAddress ?? "s3.amazonaws.com"}`);
    this.#bucket = s3?.BucketName ?? "";
    this.#server = server.origin;
    this.#client =
      type !== "s3" || s3 === undefined || this.#bucket === ""
        ? undefined
        : new Client({
            endPoint: server.hostname,
            ...(server.port !== "" && { port: Number(server.port) }),
            useSSL: !s3.Insecure,
            ...(!s3.Insecure && {
              transportAgent: new Agent({ ca: [...rootCertificates, ...options.authorities] }),
            }),
            accessKey: s3.AccessKey,
            secretKey: s3.SecretKey,
            // Empty would cost a look-up of the bucket's region (design 5.2).
            ...(s3.BucketLocation !== "" && { region: s3.BucketLocation }),
          });
  }

  /** Unpacks what an earlier job saved; a miss or a store that fails is only a warning, as in the runner. */
  async restore(): Promise<void> {
    for (const entry of this.#options.job.cache) {
      if (entry.policy === "push") {
        continue;
      }
      const keys = [entry.key, ...entry.fallback_keys].map((key) => this.#key(key)).filter((key) => key !== "");
      for (const key of keys) {
        if (await this.#restoreKey(key)) {
          break;
        }
      }
    }
  }

  /** Packs and stores the job's cached paths, after a job that ended as each entry's `when` says. */
  async save(succeeded: boolean): Promise<void> {
    for (const entry of this.#options.job.cache) {
      const when = entry.when ?? "on_success";
      if (entry.policy === "pull" || (when !== "always" && (when === "on_success") !== succeeded)) {
        continue;
      }
      const key = this.#key(entry.key);
      if (key !== "") {
        await this.#saveKey(key, entry);
      }
    }
  }

  /** The object of a cache key, as the runner names it. */
  objectName(key: string): string {
    const { job, runner } = this.#options;
    const cache = runner.cache;
    const owner = cache?.Shared === true ? [] : ["runner", shortToken(runner.token)];
    return posix.join(cache?.Path ?? "", ...owner, "project", String(job.job_info.project_id), key);
  }

  #key(key: string): string {
    const text = this.#options.variables
      .expand(key)
      .replaceAll(/[/\\]+$/g, "")
      .trim();
    // A key is one file's name: no way out of the project's folder in the bucket.
    return /(^|[/\\])\.{1,2}([/\\]|$)/.test(text) ? "" : text;
  }

  async #restoreKey(key: string): Promise<boolean> {
    const { trace } = this.#options;
    trace.line(`\u001B[32;1mChecking cache for ${key}...\u001B[0;m`);
    if (this.#client === undefined) {
      trace.line("No URL provided, cache will not be downloaded from shared cache server.");
      return false;
    }
    const name = this.objectName(key);
    try {
      const { size } = await this.#client.statObject(this.#bucket, name);
      trace.line(`Downloading cache from ${this.#server}/${this.#bucket}/${name}`);
      const stream = await this.#client.getObject(this.#bucket, name);
      const code = await this.#inProject(
        `head -c ${size} | tar -xzf -`,
        (chunk) => {
          trace.write(chunk);
        },
        {
          stream,
          length: size,
        },
      );
      trace.line(
        code === 0
          ? "\u001B[32;1mSuccessfully extracted cache\u001B[0;m"
          : "\u001B[31;1mFailed to extract cache\u001B[0;m",
      );
      return code === 0;
    } catch (error) {
      trace.line(
        `\u001B[0;33mWARNING: ${isMiss(error) ? "no cache for this key yet" : `the cache cannot be read: ${reason(error)}`}\u001B[0;m`,
      );
      trace.line("\u001B[31;1mFailed to extract cache\u001B[0;m");
      return false;
    }
  }

  async #saveKey(key: string, entry: JobCacheEntry): Promise<void> {
    const { trace, variables } = this.#options;
    trace.line(`\u001B[32;1mCreating cache ${key}...\u001B[0;m`);
    const paths = entry.paths.map((path) => variables.expand(path).replace(/^\.\//, "")).filter((path) => path !== "");
    const inside = paths.filter((path) => !path.startsWith("/") && !path.split("/").includes(".."));
    for (const path of paths) {
      if (!inside.includes(path)) {
        trace.line(`WARNING: ${path}: not inside of the project's folder`);
      }
    }
    const archive = join(this.#options.scratch, "cache.tar.gz");
    try {
      const code = await this.#pack(inside, archive);
      if (code !== 0) {
        trace.line(`\u001B[31;1mFailed to create cache\u001B[0;m`);
      } else if (this.#client === undefined) {
        trace.line("No URL provided, cache will not be uploaded to shared cache server.");
      } else {
        const name = this.objectName(key);
        trace.line(`Uploading cache to ${this.#server}/${this.#bucket}/${name}`);
        await this.#client.fPutObject(this.#bucket, name, archive);
        trace.line(`\u001B[32;1mCreated cache\u001B[0;m (${(await stat(archive)).size} bytes)`);
      }
    } catch (error) {
      trace.line(`\u001B[0;33mWARNING: the cache cannot be stored: ${reason(error)}\u001B[0;m`);
      trace.line("\u001B[31;1mFailed to create cache\u001B[0;m");
    } finally {
      await rm(archive, { force: true });
    }
  }

  async #pack(paths: readonly string[], archive: string): Promise<number> {
    const { trace } = this.#options;
    const file = createWriteStream(archive, { mode: 0o600 });
    const script = [
      "shopt -s globstar dotglob 2>/dev/null",
      "set --",
      ...paths.map(
        (path) => `for found in ${glob(path)}; do
        if [ -e "$found" ] || [ -L "$found" ]; then set -- "$@" "$found"; else echo ${quote(`WARNING: ${path}: no matching files`)} >&2; fi
      done`,
      ),
      `[ "$#" -gt 0 ] || exit 1`,
      `echo "found $# matching paths" >&2`,
      `tar -czf - -- "$@"`,
    ].join("\n");
    try {
      return await this.#inProject(
        script,
        (chunk) => file.write(chunk),
        undefined,
        (chunk) => {
          trace.write(chunk);
        },
      );
    } finally {
      file.end();
      await finished(file);
    }
  }

  #inProject(
    script: string,
    stdout: (chunk: Buffer) => void,
    input?: PodCommand["input"],
    stderr?: (chunk: Buffer) => void,
  ): Promise<number> {
    const project = quote(this.#options.variables.values.get("CI_PROJECT_DIR") ?? ".");
    return this.#options.shell.run("helper", {
      script: `mkdir -p ${project} && cd ${project} || exit 1\n${script}`,
      stdout,
      ...(input && { input: { stream: input.stream, length: input.length } }),
      ...(stderr && { stderr }),
    });
  }
}

/** Quotes a path for the shell, except for `*`, `?` and `[…]`. */
function glob(path: string): string {
  return path
    .split(/([*?[\]])/)
    .map((part) => (/^[*?[\]]$/.test(part) ? part : part === "" ? "" : quote(part)))
    .join("");
}

function isMiss(error: unknown): boolean {
  return error instanceof S3Error && (error.code === "NotFound" || error.code === "NoSuchKey");
}

function reason(error: unknown): string {
  if (error instanceof S3Error) {
    return `${String(error.code)} from the cache server`;
  }
  return error instanceof Error ? error.message : "unknown reason";
}
