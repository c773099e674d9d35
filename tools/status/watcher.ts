import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "../clients/describe-error.ts";
import type { Part, Snapshot } from "./snapshot.ts";
import type { Sources, Watched } from "./sources.ts";

/** How often the sources are asked, in milliseconds. */
export interface WatchTimes {
  /** From a response to the next request. */
  readonly interval: number;
  /** From reading the stack to reading it again, since an update may replace the runner or other resources. */
  readonly stackInterval: number;
}

/** @returns the data of all sources, once; for a source that fails, the reason */
export async function askOnce({ stack, sources }: Watched): Promise<Snapshot> {
  const [gitlab, cluster, cache] = await Promise.all([
    partOf(sources.gitlab),
    partOf(sources.cluster),
    partOf(sources.cache),
  ]);
  return { stack: { data: stack }, gitlab, cluster, cache };
}

/** Asks all sources again and again while somebody is watching, each at its own interval, and reports changes. */
export class Watcher {
  readonly #read: () => Promise<Watched>;
  readonly #times: WatchTimes;
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  #watched: Watched | undefined;
  /** When the stack was read, according to `performance.now()`. */
  #readAt = 0;
  #snapshot: Snapshot = { stack: {}, gitlab: {}, cluster: {}, cache: {} };
  #stop: AbortController | undefined;
  #telling: NodeJS.Timeout | undefined;

  /** @param read reads the stack, the first time and again later @param first what was already read, if anything */
  constructor(read: () => Promise<Watched>, times: WatchTimes, first?: Watched) {
    this.#read = read;
    this.#times = times;
    if (first !== undefined) {
      this.#watched = first;
      this.#readAt = performance.now();
      this.#snapshot = { ...this.#snapshot, stack: { data: first.stack } };
    }
  }

  /**
   * Calls the listener with the snapshot, at once and after each change.
   * @returns what ends that; once nobody listens, the sources are left in peace
   */
  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#snapshot);
    if (this.#stop === undefined) {
      this.#stop = new AbortController();
      void this.#watch(this.#stop.signal);
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) {
        this.#stop?.abort();
        this.#stop = undefined;
      }
    };
  }

  /**
   * All that the runner has sent of a job's log.
   * @throws Error unless the job is one of the snapshot
   */
  async trace(jobId: number): Promise<string> {
    const job = this.#snapshot.gitlab.data?.jobs.find(({ id }) => id === jobId);
    if (job === undefined || this.#watched === undefined) {
      throw new Error("no such job");
    }
    return this.#watched.trace(job.project.id, jobId);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { interval, stackInterval } = this.#times;
    /** The work resolves with the time to wait before it is repeated. */
    const repeat = async (work: () => Promise<number>) => {
      while (!signal.aborted) {
        await pause(await work(), signal);
      }
    };
    const ask = async (name: keyof Sources) => {
      // The source of the stack as it is now.
      this.#set(name, await partOf<unknown>(async () => this.#watched?.sources[name]()), signal);
      return interval;
    };
    let isRead = this.#watched !== undefined;
    while (!isRead && !signal.aborted) {
      isRead = await this.#readStack(signal);
      await pause(isRead ? 0 : interval, signal);
    }
    await Promise.all([
      repeat(() => ask("gitlab")),
      repeat(() => ask("cluster")),
      repeat(async () => {
        const start = performance.now();
        await ask("cache");
        // A large bucket takes long to count, and should not be busy with it for more than a tenth of the time.
        return Math.max(interval, 9 * (performance.now() - start));
      }),
      pause(Math.max(0, this.#readAt + stackInterval - performance.now()), signal).then(() =>
        repeat(async () => {
          await this.#readStack(signal);
          return stackInterval;
        }),
      ),
    ]);
  }

  /** @returns whether it could be read */
  async #readStack(signal: AbortSignal): Promise<boolean> {
    const { data: read, ...failed } = await partOf(this.#read);
    if (read !== undefined && !signal.aborted) {
      this.#watched = read;
      this.#readAt = performance.now();
    }
    this.#set("stack", read === undefined ? failed : { data: read.stack }, signal);
    return read !== undefined;
  }

  #set(name: keyof Snapshot, part: Part<unknown>, signal: AbortSignal): void {
    // Once nobody listens, what was being read would be old news for the next who does.
    const changed = { ...("error" in part ? this.#snapshot[name] : {}), ...part };
    if (signal.aborted || JSON.stringify(changed) === JSON.stringify(this.#snapshot[name])) {
      return;
    }
    this.#snapshot = { ...this.#snapshot, [name]: changed };
    // Sources that change together are told together.
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      for (const listener of this.#listeners) {
        listener(this.#snapshot);
      }
    }, 20);
  }
}

/** Resolves after a time, or at once when the signal comes. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}

async function partOf<Data>(ask: () => Promise<Data>): Promise<Part<Data>> {
  try {
    return { data: await ask() };
  } catch (error) {
    return { error: describeError(error) };
  }
}
