import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { AccessToken } from "./model.ts";
import type { Parameters } from "./parameters.ts";

/** What the emulator's handlers find in a request's context. */
export interface AppEnv {
  Bindings: HttpBindings;
  Variables: {
    /** The body as it came. */
    body: Buffer<ArrayBuffer>;
    parameters: Parameters;
    /** The caller's token; set once it is authenticated. */
    caller: AccessToken;
  };
}

/** A request's context. */
export type AppContext = Context<AppEnv>;
