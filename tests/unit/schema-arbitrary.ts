import fc from "fast-check";
import { z } from "zod";
import type { Path } from "../../components/settings/path.ts";
import { anyText, usualTexts } from "./text-arbitrary.ts";

/** What to draw at a path, such as `chart.path`, of what no schema can say. */
export type Overrides = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/**
 * @param schema what declares the values
 * @param overrides what to draw instead of what the schema says
 * @returns values that a schema accepts: of an object, any of its keys
 * @throws Error where nothing is found that the schema accepts: then it needs an `example`, or an override
 */
export function valuesOf(schema: z.ZodType, overrides: Overrides = {}, path: Path = []): fc.Arbitrary<unknown> {
  const override = overrides[path.join(".")];
  if (override !== undefined) {
    return override;
  }
  const accepts: Accepts = (value) => schema.safeParse(value).success;
  const candidates = candidatesFor(schema, accepts, (inner, part) => valuesOf(inner, overrides, [...path, part]));
  if (!isChecked(schema)) {
    return fc.oneof(...candidates);
  }
  const useful = candidates.filter((values) => shareOf(values, accepts) >= 0.2);
  const { example } = schema.meta() ?? {};
  if (useful.length > 0) {
    return fc.oneof(...useful).filter(accepts);
  }
  if (example !== undefined && accepts(example)) {
    return fc.constant(example);
  }
  throw new Error(`${path.join(".")}: nothing was drawn that the schema accepts; give it an example or an override`);
}

/** @returns how many of the values are accepted, from 0 to 1; filters that reject nearly all values are slow */
function shareOf(values: fc.Arbitrary<unknown>, accepts: Accepts): number {
  const sample = sampleOf(values);
  return sample.filter(accepts).length / sample.length;
}

const sampleOf = memoized((values: fc.Arbitrary<unknown>) => fc.sample(values, { seed: 1, numRuns: 20 }));
const matching = memoized((pattern: string) => fc.stringMatching(new RegExp(pattern)));

function memoized<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>();
  return (key) => {
    const value = made.get(key) ?? make(key);
    made.set(key, value);
    return value;
  };
}

/** Whether a schema may refuse a value of the right type. */
function isChecked(schema: z.ZodType): boolean {
  return (
    (schema.def.checks ?? []).length > 0 ||
    schema instanceof z.ZodPipe ||
    schema instanceof z.ZodStringFormat ||
    schema instanceof z.ZodCustom ||
    (isWrapper(schema) ? isChecked(schema.unwrap() as z.ZodType) : false) ||
    (schema instanceof z.ZodUnion && (schema.options as z.ZodType[]).some((option) => isChecked(option)))
  );
}

/** Whether the whole schema accepts a value of a part: that of a union, or what is wrapped. */
type Accepts = (value: unknown) => boolean;

type Wrapper = z.ZodOptional | z.ZodDefault | z.ZodPrefault;

function isWrapper(schema: z.ZodType): schema is Wrapper {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
}

/** Draws the values of a schema that is part of another one. */
type DrawPart = (schema: z.ZodType, part: string | number) => fc.Arbitrary<unknown>;

/** @returns arbitraries of the right type, some of whose values the schema may refuse */
function candidatesFor(schema: z.ZodType, accepts: Accepts, draw: DrawPart): fc.Arbitrary<unknown>[] {
  if (isWrapper(schema)) {
    return candidatesFor(schema.unwrap() as z.ZodType, accepts, draw);
  }
  if (schema instanceof z.ZodPipe) {
    return candidatesFor(schema.in as z.ZodType, accepts, draw);
  }
  if (schema instanceof z.ZodUnion) {
    return (schema.options as z.ZodType[]).flatMap((option) => candidatesFor(option, accepts, draw));
  }
  if (schema instanceof z.ZodObject) {
    return [objects(schema, draw)];
  }
  if (schema instanceof z.ZodArray) {
    return [fc.array(draw(schema.element as z.ZodType, 0), { maxLength: 4 })];
  }
  if (schema instanceof z.ZodRecord) {
    const keys = draw(schema.keyType as z.ZodType, "key") as fc.Arbitrary<string>;
    return [dictionary(keys, draw(schema.valueType as z.ZodType, "value"))];
  }
  return plainCandidates(schema, accepts);
}

function objects(schema: z.ZodObject, draw: DrawPart): fc.Arbitrary<unknown> {
  const shape = Object.entries<z.ZodType>(schema.shape);
  const parts = Object.fromEntries(shape.map(([key, inner]) => [key, draw(inner, key)]));
  const requiredKeys = shape.filter(([, inner]) => !inner.safeParse(undefined).success).map(([key]) => key);
  const declared = fc.record(parts, { requiredKeys, noNullPrototype: true }) as fc.Arbitrary<object>;
  const { catchall } = schema.def;
  return catchall === undefined || catchall instanceof z.ZodNever
    ? declared
    : fc.tuple(json, declared).map(([others, values]) => ({ ...others, ...values }));
}

function plainCandidates(schema: z.ZodType, accepts: Accepts): fc.Arbitrary<unknown>[] {
  if (schema instanceof z.ZodBoolean) {
    return [fc.boolean()];
  }
  if (schema instanceof z.ZodEnum) {
    return [fc.constantFrom(...schema.options)];
  }
  if (schema instanceof z.ZodLiteral) {
    return [fc.constantFrom(...schema.values)];
  }
  if (schema instanceof z.ZodNumber) {
    const [min, max] = [schema.minValue ?? -Infinity, schema.maxValue ?? Infinity];
    const most = Math.min(max, Number.MAX_SAFE_INTEGER);
    const integers = [Math.max(min, 0), Math.max(min, Number.MIN_SAFE_INTEGER)].map((least) =>
      fc.integer({ min: Math.ceil(Math.min(least, most)), max: Math.floor(most) }),
    );
    return schema.format === "safeint"
      ? integers
      : [...integers, fc.double({ min, max, noNaN: true, noDefaultInfinity: true })];
  }
  if (schema instanceof z.ZodString || schema instanceof z.ZodStringFormat) {
    return texts(schema, accepts);
  }
  if (schema instanceof z.ZodLazy) {
    return [json, fc.jsonValue({ maxDepth: 1 })]; // What z.json() is.
  }
  if (schema instanceof z.ZodCustom) {
    return [anyText, ...usualTexts, fc.integer(), fc.boolean()];
  }
  throw new Error(`values of the type ${schema.def.type} cannot be drawn yet`);
}

/** @returns any text where the schema takes nearly any; else what has its pattern, and what texts usually look like */
function texts(schema: z.ZodType, accepts: Accepts): fc.Arbitrary<string>[] {
  const { pattern, allOf = [] } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  const patterns = [pattern, ...allOf.map((part) => part.pattern)].filter((source) => source !== undefined);
  const takesAny = patterns.length === 0 && shareOf(anyText, accepts) >= 0.4;
  return takesAny ? [anyText] : [...patterns.map((source) => matching(source)), ...usualTexts];
}

/** Objects with a few keys. */
export function dictionary<T>(keys: fc.Arbitrary<string>, values: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> {
  return fc.dictionary(keys, values, { maxKeys: 4, noNullPrototype: true });
}

const json = dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }));
