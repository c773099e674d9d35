import type { AppContext } from "./context.ts";
import { ApiError } from "./errors.ts";

/** Throws a 412 if the caller deletes only what hasn't changed since, and it has. */
export function checkUnmodified(c: AppContext, updatedAt: number): void {
  const since = Date.parse(c.req.header("if-unmodified-since") ?? "");
  // The header counts in whole seconds.
  if (!Number.isNaN(since) && Math.floor(updatedAt / 1000) * 1000 > since) {
    throw new ApiError(412, { message: "412 Precondition Failed" });
  }
}
