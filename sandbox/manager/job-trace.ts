import { setTimeout as sleep } from "node:timers/promises";
import type { GitLabJob, GitLabJobs, JobResult } from "./gitlab-jobs.ts";

const intervalMs = 1_000;

/** A job's log, which is sent to GitLab while it grows, with secrets masked. Always call {@link finish} once. */
export class JobTrace {
  readonly #gitlab: GitLabJobs;
  readonly #job: GitLabJob;
  /** The longest first, since one may contain another. */
  readonly #secrets: readonly string[];
  readonly #ended = new AbortController();
  readonly #sending: Promise<void>;
  /** An incomplete line: a secret may be split between two chunks. */
  #line = Buffer.alloc(0);
  #unsent = Buffer.alloc(0);
  #sent = 0;

  /** @param secrets - texts to mask in the log; not empty and without line breaks. */
  constructor(gitlab: GitLabJobs, job: GitLabJob, secrets: readonly string[]) {
    this.#gitlab = gitlab;
    this.#job = job;
    this.#secrets = [...secrets].sort((a, b) => b.length - a.length);
    this.#sending = this.#sendInTurns();
  }

  /** Adds output of the job. */
  write(chunk: Buffer | string): void {
    const bytes = Buffer.concat([this.#line, Buffer.from(chunk)]);
    const end = bytes.lastIndexOf("\n") + 1;
    this.#line = bytes.subarray(end);
    this.#add(bytes.subarray(0, end));
  }

  /** Adds a line from the manager. */
  line(text: string): void {
    this.write(`${text}\n`);
  }

  /** Sends the rest of the log and the job's result. */
  async finish(result: JobResult): Promise<void> {
    this.#add(this.#line);
    this.#ended.abort();
    await this.#sending;
    await this.#send();
    await this.#gitlab.finish(this.#job, result);
  }

  #add(bytes: Buffer): void {
    const masked = this.#secrets.reduce((text, secret) => text.replaceAll(secret, "[MASKED]"), bytes.toString());
    this.#unsent = Buffer.concat([this.#unsent, Buffer.from(masked)]);
  }

  async #sendInTurns(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      await sleep(intervalMs, undefined, { signal: this.#ended.signal }).catch(() => undefined);
      // What could not be sent is sent with the next part, at the latest with the last one, which must succeed.
      await this.#send().catch(() => undefined);
    }
  }

  async #send(): Promise<void> {
    const part = this.#unsent;
    if (part.length > 0) {
      await this.#gitlab.appendTrace(this.#job, part, this.#sent);
      this.#sent += part.length;
      this.#unsent = this.#unsent.subarray(part.length);
    }
  }
}
