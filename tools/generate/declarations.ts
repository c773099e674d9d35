import { z } from "zod";
import { defaultIn, unwrap } from "../../components/settings/lookup.ts";

/** A setting, as its documentation needs it. */
export interface Declaration {
  readonly key: string;
  /** The whole of its schema. */
  readonly schema: z.ZodType;
  /** The type that a value must have, without default and the like. */
  readonly type: z.ZodType;
  /** What it is for, as Markdown. */
  readonly description: string;
  /** What applies while it is not set, as Markdown; undefined where it must be set. */
  readonly unset: string | undefined;
  /** Address of the page that has its rule. */
  readonly source: string | undefined;
}

/**
 * @returns the settings in an object of settings
 * @throws Error where one does not say what it is for, or what applies while it is not set
 */
export function declarationsIn(schema: z.ZodType): Declaration[] {
  const inner = unwrap(schema).at(-1);
  if (!(inner instanceof z.ZodObject)) {
    throw new Error("not an object of settings");
  }
  return Object.entries(inner.shape as Record<string, z.ZodType>).map(([key, value]) => {
    const { description, unset, source, since } = value.meta() ?? {};
    if (description === undefined) {
      throw new Error(`the declaration of ${key} has no description`);
    }
    return {
      key,
      schema: value,
      type: unwrap(value).at(-1) ?? value,
      description: since === undefined ? description : `${description} Needs GitLab Runner ${since} or newer.`,
      unset: unset ?? plainDefault(key, value),
      source,
    };
  });
}

/** @returns the default of a setting as Markdown */
function plainDefault(key: string, schema: z.ZodType): string | undefined {
  const value = defaultIn(schema);
  if (value !== undefined) {
    return `\`${typeof value === "string" ? value : Array.isArray(value) ? `[${value.join(", ")}]` : JSON.stringify(value)}\``;
  }
  if (schema.safeParse(undefined).success && objectIn(schema) === undefined) {
    throw new Error(`the declaration of ${key} does not say what applies while it is not set`);
  }
  return undefined;
}

/** @returns the object of settings that a setting is, or may be; undefined where it is none */
export function objectIn(schema: z.ZodType): z.ZodObject | undefined {
  return unwrap(schema).find((part) => part instanceof z.ZodObject);
}

/** @returns the name of the type that a setting is, or is a list of; undefined where it has none */
export function typeName(schema: z.ZodType): string | undefined {
  return unwrap(schema)
    .map((part) => part.meta()?.id)
    .find((id) => id !== undefined);
}
