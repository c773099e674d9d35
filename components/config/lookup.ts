import { z } from "zod";
import type { Path } from "./commands.ts";
import { stackConfig } from "./schema.ts";

/** The configuration as it is in the stack's file, by key, and which of its keys are encrypted. */
export interface RawConfig {
  readonly values: Readonly<Record<string, unknown>>;
  readonly isSecret: (key: string) => boolean;
}

/** @returns what values have at a path */
export function valueAt(values: object, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) => (value as Record<string | number, unknown> | null | undefined)?.[part],
    values,
  );
}

/** @returns whether a value would be right at a path */
export function accepts(path: Path, value: unknown): boolean {
  const [schema] = schemasAt(path);
  return schema !== undefined && z.safeParse(schema, value).success;
}

/** @returns whether text is due at a path, whatever it looks like */
export function takesText(path: Path): boolean {
  return schemasAt(path).at(-1) instanceof z.ZodString;
}

/** @returns the keys that an object at a path may have; undefined where no object is due */
export function keysAt(path: Path): string[] | undefined {
  const { shape } = definitionOf(schemasAt(path).at(-1));
  return shape === undefined ? undefined : Object.keys(shape);
}

/** @returns what the schema at a path says of it by `meta` */
export function hintAt(path: Path, name: "example" | "fix" | "secret"): unknown {
  return schemasAt(path)
    .map((schema) => z.globalRegistry.get(schema)?.[name])
    .find((hint) => hint !== undefined);
}

/** @returns an example for a path, else one out of that for the list or record that it is in, else its default */
export function exampleAt(path: Path): unknown {
  const parts = Object.entries(hintAt(path.slice(0, -1), "example") ?? {});
  const [, part] = parts.find(([key]) => key === path.at(-1)) ?? parts[0] ?? [];
  const withDefault = schemasAt(path).find((schema) => schema instanceof z.ZodDefault);
  return hintAt(path, "example") ?? part ?? withDefault?.def.defaultValue;
}

type Schema = z.core.$ZodType;

/** What schemas of the configuration are made of, by Zod's names; see https://zod.dev/library-authors */
interface Definition {
  readonly shape?: Readonly<Record<string | number, Schema>>; // Of an object.
  readonly element?: Schema; // Of a list.
  readonly valueType?: Schema; // Of a record.
  readonly innerType?: Schema; // Of a wrapper, such as a default.
  readonly in?: Schema; // Of a transformation.
  readonly options?: readonly Schema[]; // Of a union.
}

function definitionOf(schema: Schema | undefined): Definition {
  return schema === undefined ? {} : (schema._zod.def as Definition);
}

/** @returns the schema at a path with all that it is wrapped in, the outermost first */
function schemasAt(path: Path): Schema[] {
  return path.reduce((schemas, part) => {
    const { shape, element, valueType } = definitionOf(schemas.at(-1));
    return unwrap(shape?.[part] ?? element ?? valueType);
  }, unwrap(stackConfig));
}

function unwrap(schema: Schema | undefined): Schema[] {
  if (schema === undefined) {
    return [];
  }
  const { innerType, in: input, options = [] } = definitionOf(schema);
  // Of a union, the alternative with keys is the one that paths lead into.
  const alternative = options.find((option) => option instanceof z.ZodObject) ?? options[0];
  return [schema, ...unwrap(innerType ?? input ?? alternative)];
}
