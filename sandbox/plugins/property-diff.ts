import { isDeepStrictEqual } from "node:util";
import { isRecord } from "./property-values.ts";

/** One property that an update changes. */
export interface PropertyChange {
  /** Path of names and list positions. */
  readonly path: readonly (string | number)[];
  readonly kind: "add" | "delete" | "update";
  /** The resource must be replaced for this change. @defaultValue false */
  readonly replaces?: boolean;
}

/**
 * Compares two values deeply; null equals undefined.
 *
 * @param path path of the values
 * @returns all differences, as deep as both sides have the same shape; none if they are equal
 */
export function diffValues(
  oldValue: unknown,
  newValue: unknown,
  path: readonly (string | number)[] = [],
): PropertyChange[] {
  if (isDeepStrictEqual(oldValue, newValue)) {
    return [];
  }
  if (isNothing(oldValue) && isNothing(newValue)) {
    return [];
  }
  if (isNothing(oldValue)) {
    return [{ path, kind: "add" }];
  }
  if (isNothing(newValue)) {
    return [{ path, kind: "delete" }];
  }
  if (isRecord(oldValue) && isRecord(newValue)) {
    const keys = new Set([...Object.keys(oldValue), ...Object.keys(newValue)]);
    return [...keys].flatMap((key) => diffValues(oldValue[key], newValue[key], [...path, key]));
  }
  if (Array.isArray(oldValue) && Array.isArray(newValue)) {
    const length = Math.max(oldValue.length, newValue.length);
    return Array.from({ length }, (_, index) =>
      diffValues(oldValue[index] as unknown, newValue[index] as unknown, [...path, index]),
    ).flat();
  }
  return [{ path, kind: "update" }];
}

/** @returns the path as the engine writes it, such as `spec.rules[0].verbs` or `labels["example.com/team"]` */
export function formatPath(path: readonly (string | number)[]): string {
  return path
    .map((step, index) => {
      if (typeof step === "number") {
        return `[${step}]`;
      }
      if (!/^[A-Za-z_$][\w$]*$/.test(step)) {
        return `[${JSON.stringify(step)}]`;
      }
      return index === 0 ? step : `.${step}`;
    })
    .join("");
}

function isNothing(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}
