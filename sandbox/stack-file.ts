import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { UserError } from "../tools/user-error.ts";
import { repository } from "../tools/repository.ts";

const placed = z.looseObject({ nodeSelector: z.record(z.string(), z.string()).optional() });

/** The homelab's stack file, which the sandbox deploys by default. */
export const homelabStack = join(repository, "Pulumi.homelab.yaml");

/** The configuration in a stack file that the sandbox uses. */
const stackFile = z.looseObject({
  config: z.looseObject({
    "gitlab-runner:runnerType": z.string().optional(),
    "gitlab-runner:runnerToken": z.unknown().optional(),
    "gitlab-runner:caCertificate": z.string().optional(),
    "gitlab-runner:chart": z.looseObject({}).optional(),
    "gitlab-runner:cache": z
      .union([
        z.literal(false),
        z.looseObject({
          bucket: z.string().optional(),
          insecure: z.boolean().optional(),
          adopt: z.boolean().optional(),
          credentials: z.unknown().optional(),
        }),
      ])
      .optional(),
    "gitlab-runner:manager": placed.optional(),
    "gitlab-runner:jobs": placed.optional(),
  }),
});

/** The values of a stack file. */
export type StackValues = z.output<typeof stackFile>["config"];

/** @throws UserError if the file cannot be read or is not a stack file */
export function readStack(file: string): StackValues {
  try {
    return stackFile.parse(parse(readFileSync(file, "utf8"))).config;
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new UserError(`${file} is not a stack file like Pulumi.homelab.yaml: ${reason}`);
  }
}

/** Whether the stack's jobs use HTTPS for MinIO: only with the stack's own CA, since the sandbox has no publicly trusted certificate. */
export function wantsTls({ "gitlab-runner:cache": cache, "gitlab-runner:caCertificate": own }: StackValues): boolean {
  return cache !== undefined && cache !== false && cache.insecure === false && own !== undefined;
}

/** Labels that the stack's pods require of the node. */
export function nodeLabels(values: StackValues): Record<string, string> {
  return { ...values["gitlab-runner:manager"]?.nodeSelector, ...values["gitlab-runner:jobs"]?.nodeSelector };
}
