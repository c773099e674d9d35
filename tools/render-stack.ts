import * as pulumi from "@pulumi/pulumi";
import { helmTemplate, standInNote, type HelmRelease } from "./helm-template.ts";
import { registeredResources, type RegisteredResource } from "./registered-resources.ts";
import { releaseType, renderedFiles } from "./rendered-files.ts";
import { readStackFile, type StackFile } from "./stack-file.ts";
import { UserError } from "./user-error.ts";

/** What a stack applies, and where that comes from. */
export interface RenderedStack {
  /** Path of the stack's file, from the project's folder. */
  readonly stackFile: string;
  /** Texts by path. */
  readonly files: ReadonlyMap<string, string>;
  /** What a reader should know about them. */
  readonly notes: readonly string[];
}

/**
 * Renders what a stack applies, without access to GitLab, MinIO, a cluster, or the stack's secrets.
 * @param root the project's folder
 * @param chart path of a chart to render instead of the stack's own
 * @throws UserError when the stack cannot be deployed, or its chart cannot be rendered
 */
export async function renderStack(root: string, name: string, chart?: string): Promise<RenderedStack> {
  const stack = withChart(readStackFile(root, name), chart);
  const resources = await registered(stack);
  const release = resources.find(({ type }) => type === releaseType)?.inputs as HelmRelease | undefined;
  if (release === undefined) {
    throw new UserError("The program creates no Helm release.");
  }
  const rendered = await helmTemplate(release);
  return {
    stackFile: stack.path,
    files: renderedFiles({ stackFile: stack.path, resources, release, rendered }),
    notes: [
      ...(rendered.isStandIn ? [standInNote] : []),
      ...(rendered.unreachable === undefined
        ? []
        : [`Helm could not download GitLab's; --chart PATH renders a local one. ${rendered.unreachable}`]),
      ...(stack.hasEnvironment
        ? [`Only Pulumi can read the environment that ${stack.path} names: its values are missing.`]
        : []),
    ],
  };
}

/** The stack, with another chart instead of its own. */
function withChart(stack: StackFile, path: string | undefined): StackFile {
  if (path === undefined) {
    return stack;
  }
  const key = `${stack.project}:chart`;
  const { repository, ...others } = parsed(stack.config[key]);
  return { ...stack, config: { ...stack.config, [key]: JSON.stringify({ ...others, path }) } };
}

/** An object of the configuration; what is none is refused when the program reads it. */
function parsed(json = "{}"): Record<string, unknown> {
  try {
    return JSON.parse(json) as Record<string, unknown>;
  } catch {
    return {};
  }
}

async function registered(stack: StackFile): Promise<readonly RegisteredResource[]> {
  try {
    return await registeredResources(stack);
  } catch (error) {
    if (!pulumi.RunError.isInstance(error)) {
      throw error;
    }
    const encrypted = stack.secretKeys.filter((key) => key.startsWith(`${stack.project}:`));
    // A check may have seen a placeholder.
    const note = `\nRendering decrypts nothing; encrypted values in ${encrypted.join(", ")} are treated as text.`;
    throw new UserError(`${error.message}${encrypted.length === 0 ? "" : note}`);
  }
}
