import { z } from "zod";
import type { Path } from "./path.ts";
import { runnerSettings } from "./runner.ts";

// What the declarations say of a path in the arguments.

/** @returns whether a value would be right at a path */
export function accepts(path: Path, value: unknown): boolean {
  const [schema] = schemasAt(path);
  return schema?.safeParse(value).success ?? false;
}

/** @returns whether text is due at a path, whatever it looks like */
export function takesText(path: Path): boolean {
  return schemasAt(path).at(-1) instanceof z.ZodString;
}

/** @returns the keys that an object at a path may have; undefined where no object is due */
export function keysAt(path: Path): string[] | undefined {
  const schema = schemasAt(path).at(-1);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : undefined;
}

/** @returns what the declaration at a path says */
export function hintAt<Name extends keyof z.GlobalMeta>(path: Path, name: Name): z.GlobalMeta[Name] | undefined {
  return schemasAt(path)
    .map((schema) => schema.meta()?.[name])
    .find((hint) => hint !== undefined);
}

/** @returns an example for a path, else one out of that for the list or record that it is in, else its default */
export function exampleAt(path: Path): unknown {
  const parts = Object.entries(hintAt(path.slice(0, -1), "example") ?? {});
  const [, part] = parts.find(([key]) => key === path.at(-1)) ?? parts[0] ?? [];
  return hintAt(path, "example") ?? part ?? defaultIn(schemasAt(path)[0]);
}

/** @returns the plain default that a schema declares; undefined for none */
export function defaultIn(schema: z.ZodType | undefined): unknown {
  return unwrap(schema).find((part) => part instanceof z.ZodDefault)?.def.defaultValue;
}

/**
 * `Pulumi.yaml` can declare no key without a default.
 * @returns what stands there for "not set" at a path: 0, "" or {}; undefined where the setting has a default of its own
 */
export function standInAt(path: Path): 0 | "" | object | undefined {
  const schemas = schemasAt(path);
  if (!(schemas[0] instanceof z.ZodOptional) || hintAt(path, "stackDefault") !== undefined) {
    return undefined;
  }
  const type = schemas.at(-1);
  return type instanceof z.ZodNumber ? 0 : type instanceof z.ZodString || type instanceof z.ZodEnum ? "" : {};
}

/** @returns the schema at a path with all that it is wrapped in, the outermost first */
function schemasAt(path: Path): z.ZodType[] {
  return path.reduce<z.ZodType[]>((schemas, part) => unwrap(innerSchema(schemas.at(-1), part)), [runnerSettings]);
}

function innerSchema(schema: z.ZodType | undefined, part: string | number): z.ZodType | undefined {
  if (schema instanceof z.ZodObject) {
    // Names such as `constructor` are no keys, although every object has them.
    return Object.hasOwn(schema.shape, part) ? (schema.shape as Record<string | number, z.ZodType>)[part] : undefined;
  }
  return (
    schema instanceof z.ZodArray ? schema.element : schema instanceof z.ZodRecord ? schema.valueType : undefined
  ) as z.ZodType | undefined;
}

/** @returns the schema and, one after the other, what is in it, down to the type that a value must have */
export function unwrap(schema: z.ZodType | undefined): z.ZodType[] {
  if (schema === undefined) {
    return [];
  }
  return [schema, ...unwrap(wrappedIn(schema))];
}

function wrappedIn(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return schema.unwrap() as z.ZodType;
  }
  if (schema instanceof z.ZodLazy) {
    // That of JSON is recursive.
    const inner = schema.unwrap();
    return inner instanceof z.ZodObject ? inner : undefined;
  }
  if (schema instanceof z.ZodPipe) {
    return schema.in as z.ZodType;
  }
  // Of a union, the alternative with keys is the one that paths lead into.
  const options = schema instanceof z.ZodUnion ? (schema.options as z.ZodType[]) : [];
  return options.find((option) => option instanceof z.ZodObject) ?? options[0];
}
