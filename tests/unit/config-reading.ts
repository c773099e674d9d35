import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "../../components/settings/problems.ts";
import { keysAt } from "../../components/config/stack-keys.ts";
import type { Path } from "../../components/settings/path.ts";
import { readStackConfig } from "../../components/config.ts";

/** A stack's configuration: the values of the project `gitlab-runner`, and which of its keys are encrypted. */
export interface StackFile {
  readonly values: Readonly<Record<string, unknown>>;
  readonly secrets?: readonly string[];
}

/** Hands a configuration to the program as the engine does: text, or JSON. */
export function setStackFile({ values, secrets = [] }: StackFile): void {
  const entries = Object.entries(values).map(([key, value]) => [
    qualified(key),
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  pulumi.runtime.setAllConfig(Object.fromEntries(entries) as Record<string, string>, secrets.map(qualified));
}

function qualified(key: string): string {
  return key.includes(":") ? key : `gitlab-runner:${key}`;
}

/** Reads a configuration that has no problem. */
export function read(values: StackFile["values"], secrets?: StackFile["secrets"]) {
  setStackFile({ values, secrets });
  return readStackConfig("gitlab-runner");
}

/** @returns the message on a configuration, or undefined where it is accepted */
export function findMessage(file: StackFile): string | undefined {
  try {
    read(file.values, file.secrets);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ConfigError, `not a message for people: ${String(error)}`);
    assert.ok(error instanceof pulumi.RunError, "an error with a stack trace");
    return error.message;
  }
}

/** @returns the message on a configuration that has a problem */
export function messageOf(values: StackFile["values"], secrets?: StackFile["secrets"]): string {
  return findMessage({ values, secrets }) ?? assert.fail("the configuration was accepted");
}

/** @returns the lines of a message's problems, two by two: what is wrong, and how to fix it */
export function problemsIn(message: string): { problem: string; fix: string }[] {
  const lines = message.split("\n");
  assert.match(lines[0] ?? "", /^The stack's configuration has (one problem|\d+ problems):$/);
  assert.equal(lines.at(-1), "Nothing was created or changed.");
  const inner = lines.slice(1, -1);
  assert.equal(inner.length % 2, 0, message);
  return Array.from({ length: inner.length / 2 }, (_, index) => {
    const [problem = "", fix = ""] = inner.slice(2 * index);
    assert.match(problem, /^ {2}\S/);
    assert.match(fix, /^ {4}\S/);
    return { problem: problem.trim(), fix: fix.trim() };
  });
}

/** Every setting of a stack, at its path there, and what is in it, such as `manager.tolerations[0].key`. */
export const declaredPaths: readonly Path[] = pathsIn([]);

function pathsIn(path: Path): Path[] {
  // The runner's own keys have a test of their own.
  const inner = path[0] === "runnerConfig" ? [] : (keysAt(path) ?? []).map((key) => [...path, key]);
  return inner.flatMap((own) => [own, ...pathsIn(own), ...pathsIn([...own, 0])]);
}
