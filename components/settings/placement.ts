import { z } from "zod";
import { unwrap } from "./lookup.ts";
import { valueAt, type Path } from "./path.ts";
import type { Place } from "./setting.ts";

/** A setting, and where it goes. */
export interface PlacedSetting {
  /** Where it is in the settings, such as `["concurrent"]`. */
  readonly path: readonly string[];
  readonly place: Place;
}

/** @returns every setting in an object of settings that says where it goes, in the order of their declaration */
export function placedSettings(schema: z.ZodType, path: readonly string[] = []): PlacedSetting[] {
  const { to = [] } = schema.meta() ?? {};
  const places = [to].flat() as readonly Place[];
  const inner = unwrap(schema).at(-1);
  return [
    ...places.map((place) => ({ path, place })),
    ...(inner instanceof z.ZodObject
      ? Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([key, value]) =>
          placedSettings(value, [...path, key]),
        )
      : []),
  ];
}

/** @returns the parts of a path such as `metadata.labels.example\.com/team` or `rules.0.expiration` */
export function placePath(text: string): Path {
  return text === ""
    ? []
    : text.split(/(?<!\\)\./).map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll("\\.", ".")));
}

/**
 * @param kind the file that they go to
 * @param schema what declares the settings
 * @param settings what they are set to
 * @returns what the settings put into the file; nothing for those that are not set
 */
export function placeSettings(kind: "toml" | "values", schema: z.ZodType, settings: object): Record<string, unknown> {
  return placedSettings(schema).reduce<Record<string, unknown>>((file, { path, place }) => {
    const target = (place as Partial<Record<typeof kind, string>>)[kind];
    const value = valueAt(settings, path);
    if (target === undefined || value === undefined) {
      return file;
    }
    const placed = place.as === undefined ? value : place.as(value as never);
    return merge(file, nest(placePath(target), placed));
  }, {});
}

/** @returns both, the second on top; lists are joined, objects are merged, undefined is left out */
export function merge(one: Record<string, unknown>, other: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...one };
  for (const [key, value] of Object.entries(other)) {
    const before = Object.hasOwn(one, key) ? one[key] : undefined;
    if (Array.isArray(before) && Array.isArray(value)) {
      merged[key] = [...(before as unknown[]), ...(value as unknown[])];
    } else if (isObject(before) && isObject(value)) {
      merged[key] = merge(before, value);
    } else if (value !== undefined) {
      merged[key] = value;
    }
  }
  return merged;
}

/** Whether a value is an object with keys, and no list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nest([part = "", ...rest]: Path, value: unknown): Record<string, unknown> {
  return { [part]: rest.length === 0 ? value : nest(rest, value) };
}
