import { isDeepStrictEqual } from "node:util";
import { diffValues } from "./property-diff.ts";
import type { PropertyChange } from "./property-diff.ts";
import { isRecord, isUnknown, unknownValue } from "./property-values.ts";
import type { Properties } from "./property-values.ts";
import type { CheckFailure } from "./resource-handler.ts";

/** How a resource type treats one of its inputs, in the terms of the Terraform providers that Pulumi's are built on. */
export interface Field {
  readonly type: "string" | "number" | "boolean" | "list" | "map";
  /** @defaultValue false */
  readonly required?: boolean;
  /** If the program does not set it, the server chooses the value, which then stays unchanged. @defaultValue false */
  readonly computed?: boolean;
  /** Value if the program does not set it. @defaultValue none */
  readonly default?: unknown;
  /** A change of it replaces the resource. @defaultValue false */
  readonly replaces?: boolean;
  /** @returns whether two values mean the same. @defaultValue deep equality */
  readonly same?: (one: unknown, other: unknown) => boolean;
  /** @returns the problem of a known value, if any */
  readonly problem?: (value: unknown) => string | undefined;
}

/** The inputs of a resource type, by name. */
export type Fields = Readonly<Record<string, Field>>;

/** The input in which Pulumi's Terraform bridge lists the inputs that the program did not set. */
export const defaultsKey = "__defaults";

/** @returns the problems of the inputs: missing ones, unknown names, wrong types, and those that the fields report */
export function checkFields(fields: Fields, inputs: Properties): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (const [property, field] of Object.entries(fields)) {
    const value = inputs[property];
    if (value === undefined) {
      if (field.required) {
        failures.push({ property, reason: `${property} is missing: set it` });
      }
    } else if (!isUnknown(value)) {
      const found = typeOf(value);
      const reason = found === field.type ? field.problem?.(value) : `${property} is a ${found}, not a ${field.type}`;
      if (reason !== undefined) {
        failures.push({ property, reason });
      }
    }
  }
  for (const property of Object.keys(inputs)) {
    if (!Object.hasOwn(fields, property) && property !== defaultsKey) {
      failures.push({ property, reason: `${property} is not a property of this resource` });
    }
  }
  return failures;
}

/**
 * @param outputs the resource's current outputs; undefined before its creation
 * @returns a value for each field: the program's, otherwise the current one, its default, or unknown
 */
export function planFields(fields: Fields, inputs: Properties, outputs?: Properties): Properties {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      inputs[name] ?? (field.computed ? (outputs === undefined ? unknownValue : outputs[name]) : field.default),
    ]),
  );
}

/** @returns the differences between the resource's current state and the program's inputs */
export function diffFields(fields: Fields, outputs: Properties, inputs: Properties): PropertyChange[] {
  const planned = planFields(fields, inputs, outputs);
  return Object.entries(fields).flatMap(([name, field]) => {
    const oldValue = outputs[name] ?? field.default;
    const newValue = planned[name];
    const same = field.same ?? isDeepStrictEqual;
    if (oldValue !== undefined && newValue !== undefined && !isUnknown(newValue) && same(oldValue, newValue)) {
      return [];
    }
    const changes =
      field.same === undefined ? diffValues(oldValue, newValue, [name]) : diffWhole(name, oldValue, newValue);
    return changes.map((change) => ({ ...change, replaces: field.replaces ?? false }));
  });
}

/**
 * @param inputs those of the last update; empty for an import
 * @returns the inputs that correspond to the resource's current state: the old ones, updated with what has changed; for an
 *   import, all that are not the default
 */
export function inputsAsRead(fields: Fields, inputs: Properties, outputs: Properties): Properties {
  const imported = Object.keys(inputs).length === 0;
  const read = Object.fromEntries(
    Object.entries(fields)
      .filter(([name, field]) => {
        const value = outputs[name];
        return imported ? value !== undefined && !isDeepStrictEqual(value, field.default) : inputs[name] !== undefined;
      })
      .map(([name, field]) => {
        const same = field.same ?? isDeepStrictEqual;
        const unchanged =
          inputs[name] !== undefined && outputs[name] !== undefined && same(inputs[name], outputs[name]);
        return [name, unchanged ? inputs[name] : outputs[name]];
      }),
  );
  return inputs[defaultsKey] === undefined ? read : { ...read, [defaultsKey]: inputs[defaultsKey] };
}

/** @returns whether two lists have the same items, in any order */
export function sameItems(one: unknown, other: unknown): boolean {
  return (
    Array.isArray(one) && Array.isArray(other) && isDeepStrictEqual(one.map(String).sort(), other.map(String).sort())
  );
}

/** @returns a check for {@link Field.problem} that the value is one of the given ones */
export function oneOf(...allowed: readonly string[]): (value: unknown) => string | undefined {
  return (value) =>
    allowed.includes(String(value)) ? undefined : `is ${JSON.stringify(value)}; use one of ${allowed.join(", ")}`;
}

function diffWhole(name: string, oldValue: unknown, newValue: unknown): PropertyChange[] {
  const [change] = diffValues(oldValue, newValue, [name]);
  return change === undefined ? [] : [{ path: [name], kind: change.path.length === 1 ? change.kind : "update" }];
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? "list" : isRecord(value) ? "map" : typeof value;
}
