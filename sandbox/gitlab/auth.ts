import type { MiddlewareHandler } from "hono";
import type { AppContext, AppEnv } from "./context.ts";
import { insufficientScope, invalidToken, unauthorized } from "./errors.ts";
import type { GitLabStore } from "./store.ts";

/** Scopes that a route accepts besides `api`, which fits every route, and `read_api`, which fits every read-only one. */
export type ExtraScopes = "any" | readonly string[];

function tokenOf(c: AppContext): string | undefined {
  const bearer = /^Bearer\s+(.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  return c.req.header("private-token") ?? bearer ?? c.req.query("private_token") ?? c.req.query("access_token");
}

/**
 * Lets a call through if its token is known, active and has an accepted scope; otherwise answers 401 or 403.
 * Rules: x-rules on 401, 403 and scopes in tests/fixtures/gitlab-runners-api.json.
 */
export function authenticated(store: GitLabStore, extra: ExtraScopes = []): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const text = tokenOf(c);
    if (text === undefined) {
      throw unauthorized();
    }
    const token = store.accessTokens.find((candidate) => candidate.token === text);
    if (!token) {
      throw invalidToken("Bad Access Token.");
    }
    if (token.revoked) {
      throw invalidToken("Token was revoked. You have to re-authorize from the user.");
    }
    if (token.expiresAt !== undefined && token.expiresAt <= store.now()) {
      throw invalidToken("Token is expired. You can either do re-authorization or token refresh.");
    }
    const reads = c.req.method === "GET" || c.req.method === "HEAD";
    const fitting = [...(extra === "any" ? token.scopes : extra), "api", ...(reads ? ["read_api"] : [])];
    if (!token.scopes.some((scope) => fitting.includes(scope))) {
      throw insufficientScope(fitting);
    }
    c.set("caller", token);
    await next();
  };
}
