import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./context.ts";
import { maskSecrets } from "./masking.ts";

/** One call that the emulator got, with secrets masked. */
export interface RequestRecord {
  /** ISO 8601. */
  readonly time: string;
  readonly method: string;
  /** Without query. */
  readonly path: string;
  /** Parameters of query and body. */
  readonly parameters: unknown;
  /** Null if the caller got no answer. */
  readonly status: number | null;
  /** What disturbed it, if something did. */
  readonly fault?: string;
}

const limit = 10_000;

/** Keeps the latest calls, the oldest first. */
export class RequestLog {
  #records: RequestRecord[] = [];

  /** All that is kept. */
  get records(): readonly RequestRecord[] {
    return this.#records;
  }

  /** Forgets all. */
  clear(): void {
    this.#records = [];
  }

  /** Notes each call once it is over. */
  middleware(now: () => number): MiddlewareHandler<AppEnv> {
    return async (c, next) => {
      const time = new Date(now()).toISOString();
      await next();
      const fault = c.get("fault") as string | undefined;
      this.#records.push({
        time,
        method: c.req.method,
        path: c.req.path,
        parameters: maskSecrets(c.get("parameters")),
        status: (c.get("cut") as boolean | undefined) ? null : c.res.status,
        ...(fault === undefined ? {} : { fault }),
      });
      if (this.#records.length > limit) {
        this.#records.shift();
      }
    };
  }
}
