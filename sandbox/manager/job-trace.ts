import { setTimeout as sleep } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { RetryLaterError, type GitLabJob, type GitLabJobs, type JobResult, type TraceAnswer } from "./gitlab-jobs.ts";
import { PhraseFilter } from "./phrase-filter.ts";

/** How a job is asked to end early: at once, or with its `after_script`. */
export type Cancellation = "abort" | "graceful";

const defaultIntervalMs = 3_000;
const finishAttempts = 20;

/**
 * A job's log: masks secrets, sends what is new every few seconds, and hears from GitLab's answers that the job was
 * canceled. Call {@link finish} once, in any case.
 */
export class JobTrace {
  readonly #gitlab: GitLabJobs;
  readonly #job: GitLabJob;
  readonly #filter: PhraseFilter;
  readonly #onCancel: (how: Cancellation) => void;
  readonly #ended = new AbortController();
  readonly #sending: Promise<void>;
  #log = Buffer.alloc(0);
  #sent = 0;
  #intervalMs = defaultIntervalMs;

  /** @param onCancel - called each time that GitLab's answer says so. */
  constructor(gitlab: GitLabJobs, job: GitLabJob, secrets: readonly string[], onCancel: (how: Cancellation) => void) {
    this.#gitlab = gitlab;
    this.#job = job;
    this.#filter = new PhraseFilter(secrets, "[MASKED]");
    this.#onCancel = onCancel;
    this.#sending = this.#sendInTurns();
  }

  /** Adds output of the job. */
  write(chunk: Uint8Array | string): void {
    this.#log = Buffer.concat([this.#log, this.#filter.push(Buffer.from(chunk))]);
  }

  /** Adds a line of the manager's own. */
  line(text: string): void {
    this.write(`${text}\n`);
  }

  /** Adds a section that GitLab's page can fold, around what `work` writes. */
  async section<T>(name: string, title: string, work: () => Promise<T>): Promise<T> {
    this.write(`section_start:${now()}:${name}\r\u001B[0K\u001B[0K\u001B[36;1m${title}\u001B[0;m\u001B[0;m\n`);
    try {
      return await work();
    } finally {
      this.write(`section_end:${now()}:${name}\r\u001B[0K`);
    }
  }

  /** Sends the rest of the log and how the job ended. Rejects if GitLab does not take it after many attempts. */
  async finish(result: JobResult): Promise<void> {
    this.#log = Buffer.concat([this.#log, this.#filter.flush()]);
    this.#ended.abort();
    await this.#sending;
    for (let attempt = 1; attempt <= finishAttempts; attempt += 1) {
      const answer = await this.#try(async () => {
        if (this.#sent < this.#log.length) {
          await this.#send();
        }
        if (this.#sent < this.#log.length) {
          return undefined;
        }
        const checksum = `crc32:${crc32(this.#log).toString(16).padStart(8, "0")}`;
        return this.#gitlab.finish(this.#job, result, { bytes: this.#log.length, checksum });
      });
      // 202: GitLab still puts the log together. 403 and 404: it has done with the job.
      if (answer !== undefined && answer.status !== 202) {
        return;
      }
      await sleep(Math.min(this.#intervalMs, 1_000));
    }
    throw new Error(`GitLab did not take the end of job ${this.#job.id}`);
  }

  async #sendInTurns(): Promise<void> {
    while (await this.#pause()) {
      await this.#try(async () => {
        if (this.#sent < this.#log.length) {
          return this.#send();
        }
        return this.#note(await this.#gitlab.touch(this.#job));
      });
    }
  }

  /** Waits for the next turn; false once the job has ended. */
  async #pause(): Promise<boolean> {
    await sleep(this.#intervalMs, undefined, { signal: this.#ended.signal }).catch(() => undefined);
    return !this.#ended.signal.aborted;
  }

  async #send(): Promise<TraceAnswer> {
    const part = this.#log.subarray(this.#sent);
    const answer = this.#note(await this.#gitlab.patchTrace(this.#job, part, this.#sent));
    if (answer.status === 202) {
      this.#sent += part.length;
    }
    // 416: an earlier answer was lost; go on from where GitLab is.
    else if (answer.status === 416 && answer.received !== undefined) {
      this.#sent = Math.min(answer.received, this.#log.length);
    }
    // GitLab takes no more of it.
    else if (answer.status === 403 || answer.status === 404) {
      this.#sent = this.#log.length;
    }
    return answer;
  }

  #note(answer: TraceAnswer): TraceAnswer {
    if (answer.intervalMs !== undefined) {
      this.#intervalMs = answer.intervalMs;
    }
    if (answer.jobStatus === "canceling") {
      this.#onCancel("graceful");
    } else if (answer.jobStatus === "canceled" || answer.jobStatus === "failed") {
      this.#onCancel("abort");
    }
    return answer;
  }

  /** A failed call is tried again at the next turn: the log is whole in memory. */
  async #try(call: () => Promise<TraceAnswer | undefined>): Promise<TraceAnswer | undefined> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof RetryLaterError && error.delayMs !== undefined) {
        await sleep(Math.min(error.delayMs, 30_000));
      }
      return undefined;
    }
  }
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
