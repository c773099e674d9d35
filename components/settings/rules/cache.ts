import type { Fix } from "../problems.ts";
import { rule, set, when, type Rule } from "./rule.ts";

/** Contradictions between settings of the build cache. */
export const cacheRules: readonly Rule[] = [
  rule(["cache.credentials", "cache.bucket"], (credentials, bucket) =>
    when(credentials !== undefined && bucket === undefined, ["cache", "bucket"], {
      expected: "must be set with cache.credentials: the bucket exists already",
      fix: { first: set(["cache", "bucket"], "my-cache") },
    }),
  ),

  ...(["expireAfterDays", "quota", "deleteWithStack"] as const).map((key) =>
    rule(["cache.credentials", "cache.adopt", `cache.${key}`], (credentials, adopt, value) => {
      const owner = credentials !== undefined ? "cache.credentials" : adopt ? "cache.adopt" : undefined;
      return when(owner !== undefined && value !== undefined, ["cache", key], {
        expected: `must not be set with ${owner ?? ""}: this stack does not own the bucket`,
      });
    }),
  ),

  rule(["cache.credentials", "cache.adopt"], (credentials, adopt) =>
    when(credentials !== undefined && adopt, ["cache", "adopt"], {
      expected: "must not be set with cache.credentials: this stack does not own the bucket",
    }),
  ),

  rule(["cache.server"], (server) => {
    const [, host = "", port = "9000"] = /^(.*?)(?::(\d+))?$/.exec(server) ?? [];
    const isHost = URL.canParse(`http://${host}/`) && !/^[.-]|\.\./.test(host);
    const isPort = Number(port) >= 1 && Number(port) <= 65_535;
    const fixFor = (name: string): Fix => ({ first: set(["cache", "server"], `${name}:9000`) });
    return when(!isHost || !isPort, ["cache", "server"], {
      expected: isHost ? "must have a port from 1 to 65535" : "must have the name or address of a host",
      fix: fixFor(isHost ? host : "minio.minio.svc.cluster.local"),
      secretFix: fixFor("minio.minio.svc.cluster.local"),
    });
  }),
];
