import { UserError } from "../user-error.ts";
import { allChecks } from "./all-checks.ts";
import type { Check, CheckResult } from "./check.ts";
import { cutOff } from "./checks/cut-off.ts";
import { drift } from "./checks/drift.ts";
import { finished } from "./checks/finished.ts";
import { orphanedCredentials } from "./checks/orphaned-credentials.ts";
import { createContext, type DoctorContext, type DoctorOptions } from "./context.ts";
import { expectedStack } from "./expected-stack.ts";
import type { FixTools } from "./fixes/fix.ts";
import type { Masker } from "./masker.ts";
import { ownBucket } from "./own-bucket.ts";
import { parseOutputs, readConfiguredStack, type StackOutputs } from "./pulumi-stack.ts";
import { commandsFor } from "./run-commands.ts";
import { runChecks } from "./run-checks.ts";
import { readExportedState, resourceTypes, resourcesOf, type ExportedState } from "./stack-state.ts";
import { unfinishedOutputs } from "./unfinished-stack.ts";

/** Inputs of {@link openStack}. */
export interface StackInput {
  /** Name of the stack. */
  readonly stack: string;
  readonly masker: Masker;
  readonly options: DoctorOptions;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Shows a text to the user. */
  readonly say: (text: string) => void;
}

/** A stack's current state, and the tools to fix it. */
export interface OpenStack {
  readonly context: DoctorContext;
  readonly state: ExportedState;
  readonly tools: FixTools;
  /** At least one `pulumi up` was completed. */
  readonly isFinished: boolean;
  /** Whether a bucket exists and was created by the stack. */
  readonly isOwnBucket: (name: string) => Promise<boolean>;
}

/**
 * Reads configuration and state of a stack, whose first `pulumi up` may have been interrupted.
 * @throws UserError when one of them cannot be read
 */
export async function openStack({ stack: name, masker, options, environment, say }: StackInput): Promise<OpenStack> {
  const { outputsJson, ...stack } = await readConfiguredStack(name, masker);
  const mask = (text: string) => masker.mask(text);
  // Known by the time that Helm, who alone asks for it, is called.
  const cluster: { get?: DoctorContext["kubernetes"] } = {};
  const kubernetes = () => {
    if (cluster.get === undefined) {
      throw new Error("the stack is not open yet");
    }
    return cluster.get();
  };
  const commands = commandsFor({ stack: name, kubernetes, mask, say });
  const exported = await commands.askPulumi(["stack", "export"]);
  if (exported.exitCode !== 0) {
    throw new UserError(`pulumi stack export: ${mask(exported.stderr).trim()}\nNothing was changed.`);
  }
  const state = readExportedState(exported.stdout);
  // The name of a user in MinIO is its access key.
  masker.add(...resourcesOf(state, resourceTypes.user).map(({ id }) => id));
  const expected = await expectedStack(stack);
  const outputs = outputsOf(outputsJson, name);
  const context = createContext({
    stack: { ...stack, outputs: outputs ?? unfinishedOutputs(expected, state) },
    ...{ expected, masker, options, environment, state },
  });
  cluster.get = context.kubernetes;
  const tools = { stack: name, gitlab: context.gitlab, kubernetes: context.kubernetes, commands, say };
  const isOwnBucket = ownBucket(commands, context.store, environment);
  return { context, state, tools, isFinished: outputs !== undefined, isOwnBucket };
}

/**
 * Runs all checks, including those that only `--fix` runs because they take time.
 * @throws UserError when there is nothing to check
 */
export async function examine(
  { context, state, tools, isFinished, isOwnBucket }: OpenStack,
  mask: (text: string) => string,
) {
  if ((state.deployment?.resources ?? []).every(({ type }) => type.startsWith("pulumi:"))) {
    throw new UserError(`The stack ${context.stack} is not deployed.\n  pulumi up --stack ${context.stack}`);
  }
  const checks: Check<DoctorContext>[] = [
    finished(isFinished),
    cutOff(state),
    ...allChecks,
    orphanedCredentials(state),
    drift(tools.commands, state, isOwnBucket),
  ];
  return Promise.all<CheckResult>(runChecks(checks, { context, mask }));
}

function outputsOf(json: string, stack: string): StackOutputs | undefined {
  try {
    return parseOutputs(json, stack);
  } catch (error) {
    if (error instanceof UserError) {
      return undefined;
    }
    throw error;
  }
}
