import type { AppContext } from "./context.ts";
import { ApiError } from "./errors.ts";

/** Throws a 412 if the record has changed since the time in `If-Unmodified-Since`. */
export function checkUnmodified(c: AppContext, updatedAt: number): void {
  const since = Date.parse(c.req.header("if-unmodified-since") ?? "");
  // The header has a resolution of one second.
  if (!Number.isNaN(since) && Math.floor(updatedAt / 1000) * 1000 > since) {
    throw new ApiError(412, { message: "412 Precondition Failed" });
  }
}
