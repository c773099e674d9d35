import { setTimeout as sleep } from "node:timers/promises";
import type { Part, Snapshot } from "./snapshot.ts";

type DataOf<P> = P extends Part<infer T> ? T : never;

/** Reads each part of the snapshot. */
export type Sources = { readonly [Name in keyof Snapshot]: () => Promise<DataOf<Snapshot[Name]>> };

/** Settings of {@link Watcher}, in milliseconds. */
export interface WatcherOptions {
  /** Between two readings of a source. @defaultValue 1000 */
  readonly intervalMs?: number;
  /** How long a source may take to answer. @defaultValue 10000 */
  readonly limitMs?: number;
}

/** Reads the sources in turns while somebody looks, and tells what has changed. */
export class Watcher {
  readonly #load: () => Promise<Sources>;
  readonly #intervalMs: number;
  readonly #limitMs: number;
  readonly #listeners = new Set<(snapshot: string) => void>();
  readonly #parts = new Map<keyof Snapshot, string>();
  #snapshot: Snapshot = { gitlab: {}, pods: {}, cache: {}, stack: {} };
  #stop: AbortController | undefined;
  #telling: NodeJS.Timeout | undefined;

  /** @param load - gives the sources; called only while somebody looks, and each time that one is read */
  constructor(load: () => Promise<Sources>, options: WatcherOptions = {}) {
    this.#load = load;
    this.#intervalMs = options.intervalMs ?? 1_000;
    this.#limitMs = options.limitMs ?? 10_000;
  }

  /**
   * Calls the listener with the snapshot as JSON, at once and after each change.
   * @returns what ends that; once nobody listens, the sources are left in peace
   */
  subscribe(listener: (snapshot: string) => void): () => void {
    this.#listeners.add(listener);
    listener(JSON.stringify(this.#snapshot));
    if (this.#stop === undefined) {
      this.#stop = new AbortController();
      for (const name of ["gitlab", "pods", "cache", "stack"] as const) {
        void this.#watch(name, this.#stop.signal);
      }
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) {
        this.#stop?.abort();
        this.#stop = undefined;
      }
    };
  }

  async #watch(name: keyof Snapshot, signal: AbortSignal): Promise<void> {
    let isOver = false;
    while (!isOver) {
      const part = await this.#read(name);
      // Once nobody listens, what was being read would be old news for the next who does.
      if (signal.aborted) {
        return;
      }
      this.#set(name, part);
      isOver = await sleep(this.#intervalMs, false, { signal }).catch(() => true);
    }
  }

  async #read(name: keyof Snapshot): Promise<Part<unknown>> {
    try {
      const sources = await this.#load();
      return { data: await this.#withinLimit<unknown>(sources[name]()) };
    } catch (error) {
      const { data } = this.#snapshot[name];
      return { ...(data === undefined ? {} : { data }), error: reason(error) };
    }
  }

  async #withinLimit<T>(reading: Promise<T>): Promise<T> {
    const limit = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      limit.reject(new Error(`no answer within ${this.#limitMs / 1000} s`));
    }, this.#limitMs);
    try {
      return await Promise.race([reading, limit.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #set(name: keyof Snapshot, part: Part<unknown>): void {
    const json = JSON.stringify(part);
    if (this.#parts.get(name) === json) {
      return;
    }
    this.#parts.set(name, json);
    this.#snapshot = { ...this.#snapshot, [name]: part };
    // Sources that change together are told together.
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      const snapshot = JSON.stringify(this.#snapshot);
      for (const listener of this.#listeners) {
        listener(snapshot);
      }
    }, 20);
  }
}

/** What an error says, with the cause that clients hide in it. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error.cause;
  const text = inner instanceof Error ? reason(inner) : error.message;
  return text.split("\n", 1)[0]?.slice(0, 300) ?? "";
}
