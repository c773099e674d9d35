import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { MiddlewareHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { z } from "zod";
import type { AppContext, AppEnv } from "./context.ts";
import type { faultSchema } from "./control-schemas.ts";

/** A fault that waits for matching calls. */
export interface PendingFault extends z.output<typeof faultSchema> {
  readonly id: number;
  /** Number of calls that it still affects. */
  remaining: number;
}

const reasons: Readonly<Record<number, string>> = {
  429: "429 Too Many Requests",
  500: "500 Internal Server Error",
  502: "502 Bad Gateway",
  503: "503 Service Unavailable",
};

function cut(c: AppContext): Response {
  c.env.incoming.socket.destroy();
  return RESPONSE_ALREADY_SENT;
}

/** The faults that tests have added; if several match a call, the oldest applies. */
export class Faults {
  #pending: PendingFault[] = [];
  #lastId = 0;

  /** Adds one. */
  add(fault: z.output<typeof faultSchema>): PendingFault {
    const pending = { ...fault, id: ++this.#lastId, remaining: fault.count };
    this.#pending.push(pending);
    return pending;
  }

  #take(method: string, path: string): PendingFault | undefined {
    const fault = this.#pending.find(
      (one) => (one.method ?? method).toUpperCase() === method && new RegExp(one.path).test(path),
    );
    if (fault && --fault.remaining === 0) {
      this.#pending = this.#pending.filter((one) => one !== fault);
    }
    return fault;
  }

  /** Applies a matching fault to a call. */
  middleware(): MiddlewareHandler<AppEnv> {
    return async (c, next) => {
      const fault = this.#take(c.req.method, c.req.path);
      if (!fault) {
        await next();
        return;
      }
      switch (fault.kind) {
        case "cut":
          c.res = cut(c);
          return;
        case "lost-answer":
          await next();
          c.res = cut(c);
          return;
        case "status": {
          const message = reasons[fault.status] ?? String(fault.status);
          const headers: Record<string, string> =
            fault.retryAfterSeconds === undefined ? {} : { "Retry-After": String(fault.retryAfterSeconds) };
          c.res = c.json({ message }, fault.status as ContentfulStatusCode, headers);
        }
      }
    };
  }
}
