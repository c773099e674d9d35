import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "../clients/describe-error.ts";
import type { Answer, StatusReport } from "./report.ts";
import type { Sources, StackReport } from "./sources.ts";

/** A stack that can be asked about. */
export interface Watched extends StackReport {
  readonly sources: Sources;
}

/** How often something is asked, in milliseconds. */
export interface WatchTimes {
  /** From an answer to the next question. */
  readonly interval: number;
  /** From reading the stack to reading it anew, since an update may replace the runner, or what else it is asked about. */
  readonly stackInterval: number;
}

/** @returns what all sources say, once; a source that fails says why */
export async function askOnce(watched: Watched): Promise<StatusReport> {
  const { sources } = watched;
  const [runner, cluster, cache] = await Promise.all([
    answerOf(sources.runner),
    answerOf(sources.cluster),
    answerOf(sources.cache),
  ]);
  return { ...reportOf(watched), runner, cluster, cache };
}

/**
 * Asks all sources over and over, each at its own pace, so that none waits for a slow one.
 * @param read reads the stack anew
 * @param show gets every change
 * @returns when the signal has come
 */
export async function watch(
  first: Watched,
  read: () => Promise<Watched>,
  { interval, stackInterval }: WatchTimes,
  show: (report: StatusReport) => void,
  signal: AbortSignal,
): Promise<void> {
  let { sources } = first;
  let report = reportOf(first);
  const change = (part: Partial<StatusReport>) => {
    report = { ...report, ...part };
    if (!signal.aborted) {
      show(report);
    }
  };
  show(report);
  const over = new Promise<number>((resolve) => {
    signal.addEventListener("abort", () => {
      resolve(0);
    });
  });
  /** Work resolves with how long to wait before it is done again. */
  const repeat = async (work: () => Promise<number>) => {
    while (!signal.aborted) {
      const pause = await Promise.race([work(), over]);
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all([
    repeat(async () => {
      change({ runner: await answerOf(() => sources.runner()) });
      return interval;
    }),
    repeat(async () => {
      change({ cluster: await answerOf(() => sources.cluster()) });
      return interval;
    }),
    repeat(async () => {
      const start = performance.now();
      const cache = await answerOf(() => sources.cache());
      change({ cache });
      // A large bucket takes long to count, and should not be busy with it for more than a tenth of the time.
      return "error" in cache ? interval : Math.max(interval, 9 * (performance.now() - start));
    }),
    repeat(async () => {
      await Promise.race([sleep(stackInterval, undefined, { signal }).catch(() => undefined), over]);
      const answer = signal.aborted ? undefined : await answerOf(read);
      if (answer !== undefined && "value" in answer) {
        const { sources: found, ...stack } = answer.value;
        sources = found;
        change({ ...stack, stackError: undefined });
      } else {
        change({ stackError: answer?.error });
      }
      return 0;
    }),
  ]);
}

function reportOf({ stack, chart, namespaces }: StackReport): StatusReport {
  return {
    ...{ stack, chart, namespaces },
    runner: undefined,
    cluster: undefined,
    cache: undefined,
    stackError: undefined,
  };
}

async function answerOf<Value>(ask: () => Promise<Value>): Promise<NonNullable<Answer<Value>>> {
  try {
    return { value: await ask() };
  } catch (error) {
    return { error: describeError(error) };
  }
}
