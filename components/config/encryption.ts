import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { dotted, valueAt } from "../settings/path.ts";
import type { Problem } from "../settings/problems.ts";
import type { RunnerSettings } from "../settings/runner.ts";
import { askCommand } from "./commands.ts";
import type { RawConfig } from "./raw-config.ts";

const expected = "must be encrypted, but is plain text in the stack's file";

/** @returns the secrets that are not encrypted */
export function plainSecrets({ runnerToken, cache }: RunnerSettings, { isSecret }: RawConfig): Problem[] {
  return [
    ...(runnerToken === undefined || isSecret("runnerToken")
      ? []
      : [
          {
            key: "runnerToken",
            expected,
            fix: "pulumi config set --secret runnerToken    (asks for it; reset the token in GitLab first, as it was in the open)",
          },
        ]),
    ...(cache === false || cache.credentials === undefined ? [] : plainKeys(isSecret("cache"))),
  ];
}

/** @param hasSecret whether anything in `cache` is encrypted, which is all that the engine says */
function plainKeys(hasSecret: boolean): Problem[] {
  const paths = ["accessKey", "secretKey"].map((key) => ["cache", "credentials", key]);
  const file = stackFile();
  const plain = paths.filter(([key = "", ...inner]) => {
    const value = valueAt(file, [`${pulumi.getProject()}:${key}`, ...inner]);
    return !hasSecret || (value !== undefined && typeof value !== "object");
  });
  return plain.length === paths.length
    ? [
        {
          key: "cache.credentials",
          expected,
          fix: "pulumi config set --secret --path cache.credentials.secretKey    (asks for it; the same for accessKey)",
        },
      ]
    : plain.map((path) => ({ key: dotted(path), expected, fix: askCommand(path) }));
}

/** @returns what the stack's file has; nothing where the configuration is not in one, but in an ESC environment, say */
function stackFile(): object {
  try {
    const path = join(pulumi.getRootDirectory(), `Pulumi.${pulumi.getStack()}.yaml`);
    return (parse(readFileSync(path, "utf8")) as { config?: object }).config ?? {};
  } catch {
    return {};
  }
}
