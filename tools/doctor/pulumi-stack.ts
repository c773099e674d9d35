import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { PulumiCli } from "../pulumi-cli.ts";
import { repository } from "../repository.ts";
import type { StackConfiguration } from "../stack-file.ts";
import { UserError } from "../user-error.ts";
import type { Masker } from "./masker.ts";

/** Outputs of the stack's last deployment. */
const stackOutputs = z.object({
  runnerId: z.number().optional(),
  runnerTags: z.array(z.string()).optional(),
  enabledProjects: z.array(z.string()).optional(),
  namespace: z.string(),
  jobNamespace: z.string().optional(),
  release: z.object({ name: z.string(), chart: z.string() }),
  cacheBucket: z.string().optional(),
  tokenSecret: z.string(),
  cacheSecret: z.string().optional(),
});

/** The stack's outputs, as far as the doctor uses them. */
export type StackOutputs = z.output<typeof stackOutputs>;

const configValues = z.record(z.string(), z.object({ value: z.string().optional(), secret: z.boolean().optional() }));

/** What Pulumi knows about a stack. Settings other than the program's say how to reach the servers. */
export interface PulumiStack extends StackConfiguration {
  readonly outputs: StackOutputs;
}

/** A stack that may not be deployed, or not completely. */
export interface ConfiguredStack extends StackConfiguration {
  /** Output of `pulumi stack output`; `{}` if the stack is not deployed, or not completely. */
  readonly outputsJson: string;
}

/** Providers whose settings say how to reach a server. MinIO's administrator is not read: nothing here needs it. */
const needed = /^(gitlab:|kubernetes:|minio:(minioServer|minioSsl|minioCacertFile)$)/;

/**
 * Reads outputs and configuration of a stack with the Pulumi CLI.
 * @param name the stack, or undefined for the selected one
 * @throws UserError when there is no Pulumi, no such stack, or nothing deployed
 */
export async function readPulumiStack(name: string | undefined, masker: Masker): Promise<PulumiStack> {
  const { outputsJson, ...stack } = await readConfiguredStack(name, masker);
  return { ...stack, outputs: parseOutputs(outputsJson, stack.name) };
}

/**
 * Reads a stack that need not be deployed.
 * @param name the stack, or undefined for the selected one
 * @throws UserError when there is no Pulumi, or no such stack
 */
export async function readConfiguredStack(name: string | undefined, masker: Masker): Promise<ConfiguredStack> {
  const pulumi = new PulumiCli({ stack: name, mask: (text) => masker.mask(text) });
  const [shown, outputs, settings] = await Promise.all([
    name ?? pulumi.ask(["stack", "--show-name"]).then((text) => text.trim()),
    pulumi.ask(["stack", "output", "--json"]),
    pulumi.json(configValues, ["config"]),
  ]);
  const project = projectName();
  const values = Object.entries(settings);
  const secretKeys = values.filter(([, { secret }]) => secret === true).map(([key]) => key);
  const config = await Promise.all(
    values
      .filter(([key]) => key.startsWith(`${project}:`) || needed.test(key))
      // Pulumi omits the whole value of a key if anything in it is encrypted; this output stays in the process.
      .map(async ([key, { value }]) => [key, value ?? (await pulumi.ask(["config", "get", key])).trimEnd()]),
  );
  const decrypted = Object.fromEntries(config) as Record<string, string>;
  hideSecrets(decrypted, secretKeys, project, masker);
  return {
    name: shown,
    outputsJson: outputs,
    project,
    config: decrypted,
    secretKeys: secretKeys.filter((key) => key in decrypted),
  };
}

/** @throws UserError when they are not those of a completely deployed stack */
export function parseOutputs(text: string, stack: string): StackOutputs {
  const outputs = JSON.parse(text) as Record<string, unknown>;
  if (Object.keys(outputs).length === 0) {
    throw new UserError(
      `The stack ${stack} is not deployed, or not completely.\n  pulumi up --stack ${stack}\n` +
        `If pulumi up was killed: npm run doctor -- --stack ${stack} --fix`,
    );
  }
  const parsed = stackOutputs.safeParse(outputs);
  if (!parsed.success) {
    throw new UserError(
      `The stack ${stack} does not belong to this program, or to an older version of it (pulumi up --stack ${stack}): ` +
        `pulumi stack output has an unexpected format:\n${z.prettifyError(parsed.error)}`,
    );
  }
  return parsed.data;
}

/** In the cache's settings, only the keys are secret, although Pulumi marks all of them. */
function hideSecrets(config: Record<string, string>, keys: readonly string[], project: string, masker: Masker): void {
  for (const key of keys.filter((candidate) => config[candidate] !== undefined)) {
    const value = config[key] ?? "";
    masker.add(...(key === `${project}:cache` ? cacheKeys(value) : [value]));
  }
}

function cacheKeys(value: string): string[] {
  const cache = JSON.parse(value) as { credentials?: Record<string, string> } | false;
  return cache === false ? [] : Object.values(cache.credentials ?? {});
}

function projectName(): string {
  return (parseYaml(readFileSync(join(repository, "Pulumi.yaml"), "utf8")) as { name: string }).name;
}
