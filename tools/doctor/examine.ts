import { allChecks } from "./all-checks.ts";
import type { Check, CheckResult } from "./check.ts";
import { drift } from "./checks/drift.ts";
import { finished } from "./checks/finished.ts";
import { createContext, type DoctorContext, type DoctorOptions } from "./context.ts";
import { DoctorError } from "./doctor-error.ts";
import { expectedStack, type ExpectedStack } from "./expected-stack.ts";
import type { FixTools } from "./fixes/fix.ts";
import type { Masker } from "./masker.ts";
import { parseOutputs, readConfiguredStack, type StackOutputs } from "./pulumi-stack.ts";
import { commandsFor, type Commands } from "./run-commands.ts";
import { runChecks } from "./run-checks.ts";
import { readExportedState, resourceTypes, resourcesOf, type ExportedState } from "./stack-state.ts";
import { unfinishedOutputs } from "./unfinished-stack.ts";

/** What {@link examine} looks with. */
export interface ExamineInput {
  /** Name of the stack. */
  readonly stack: string;
  readonly masker: Masker;
  readonly options: DoctorOptions;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly say: (text: string) => void;
}

/** A stack that was looked at in order to fix it. */
export interface Examined {
  readonly expected: ExpectedStack;
  readonly tools: FixTools;
  readonly results: readonly CheckResult[];
}

/** @throws DoctorError when the state cannot be had */
export async function readState(commands: Commands): Promise<ExportedState> {
  const { exitCode, stdout, stderr } = await commands.askPulumi(["stack", "export"]);
  if (exitCode !== 0) {
    throw new DoctorError(`pulumi stack export: ${stderr.trim().replace(/^error: /, "")}\nNothing was touched.`);
  }
  return readExportedState(stdout);
}

/**
 * Runs all checks, and those that take Pulumi's state, or its time. Unlike the doctor's own look, this one works on a stack
 * whose first `pulumi up` was cut off.
 * @throws DoctorError when there is nothing to look at
 */
export async function examine({ stack: name, masker, options, environment, say }: ExamineInput): Promise<Examined> {
  const { outputsJson, ...stack } = await readConfiguredStack(name, masker);
  const mask = (text: string) => masker.mask(text);
  // Only Helm needs the cluster.
  let context: DoctorContext | undefined = undefined as DoctorContext | undefined;
  const kubernetes = () => {
    if (context === undefined) {
      throw new Error("the cluster is not known yet");
    }
    return context.kubernetes();
  };
  const commands = commandsFor({ stack: name, kubernetes, mask, say });
  const state = await readState(commands);
  if ((state.deployment?.resources ?? []).every(({ type }) => type.startsWith("pulumi:"))) {
    throw new DoctorError(`Nothing is deployed by the stack ${name}.\n  pulumi up --stack ${name}`);
  }
  // A user's name is the access key.
  masker.add(...resourcesOf(state, resourceTypes.user).map(({ id }) => id));
  const expected = await expectedStack(stack);
  const outputs = outputsOf(outputsJson, name);
  context = createContext({
    stack: { ...stack, outputs: outputs ?? unfinishedOutputs(expected, state) },
    ...{ expected, masker, options, environment, state },
  });
  const checks: Check<DoctorContext>[] = [finished(outputs !== undefined), ...allChecks, drift(commands, state)];
  const results = await Promise.all(runChecks(checks, { context, mask }));
  return { expected, tools: { stack: name, gitlab: context.gitlab, kubernetes, commands, say }, results };
}

function outputsOf(json: string, stack: string): StackOutputs | undefined {
  try {
    return parseOutputs(json, stack);
  } catch (error) {
    if (error instanceof DoctorError) {
      return undefined;
    }
    throw error;
  }
}
