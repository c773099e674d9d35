import { setTimeout as sleep } from "node:timers/promises";

/** How long a server may take to respond to one call, in milliseconds. */
export const callLimit = 10_000;

/** A server did not respond in time. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
}

/** @returns what `work` resolves to, or rejects with {@link NoAnswerError}; the work itself goes on */
export async function within<Result>(work: Promise<Result>, limit = callLimit): Promise<Result> {
  const over = new AbortController();
  const timer = sleep(limit, undefined, { signal: over.signal }).then(() => {
    throw new NoAnswerError(`no answer within ${limit / 1000} s`);
  });
  // Aborted if the work is done first; nobody waits for it then.
  timer.catch(() => undefined);
  try {
    return await Promise.race([work, timer]);
  } finally {
    over.abort();
  }
}
