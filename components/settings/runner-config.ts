import { z } from "zod";
import { object } from "./setting.ts";
import { runnerKeys } from "./runner-keys.ts";

const types: Readonly<Record<string, z.ZodType>> = {
  text: z.string().meta({ example: "text" }),
  texts: z.array(z.string()).meta({ example: ["text"] }),
  "text by name": z.record(z.string(), z.string()).meta({ example: { name: "text" } }),
  boolean: z.boolean().meta({ example: true }),
  "boolean by name": z.record(z.string(), z.boolean()).meta({ example: { FF_SCRIPT_SECTIONS: true } }),
  integer: z.int().meta({ example: 60 }),
  integers: z.array(z.int()).meta({ example: [60] }),
  "integer by name": z.record(z.string(), z.int()).meta({ example: { "tls handshake timeout": 10 } }),
  number: z.number().meta({ example: 1.5 }),
  // Of Go: https://pkg.go.dev/time#ParseDuration
  duration: z
    .string()
    .regex(/^\+?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/, "must be a duration, such as 90s, 10m or 1h30m")
    .meta({ example: "10m" }),
};

let table: z.ZodObject | undefined;

/**
 * Keys of `[[runners]]` in the runner's `config.toml`, by their own names, with the types of their values.
 * Made when it is first needed: most stacks have none of them.
 */
export const runnerConfig = z.lazy(() => (table ??= tableAt("")));

/** Keys whose values nobody should see; the program's own rules refuse them. */
const secretKey = /(^|[._])token$|(Secret|Access|Account|Private)Key$|SessionToken$/;

/** @returns the table whose keys start with a prefix, such as `kubernetes.` */
function tableAt(prefix: string): z.ZodObject {
  const own = Object.entries(runnerKeys).filter(
    ([key]) => key.startsWith(prefix) && /^[^.]+$/.test(key.slice(prefix.length)),
  );
  return object(Object.fromEntries(own.map(([key, type]) => [key.slice(prefix.length), schemaOf(key, type)])));
}

function schemaOf(key: string, declared: string): z.ZodType {
  const [type = "", since] = declared.split(", since ");
  const schema =
    type === "object" ? tableAt(`${key}.`) : type === "objects" ? z.array(tableAt(`${key}[].`)) : types[type];
  if (schema === undefined) {
    throw new Error(`${key}: there is no type ${type}`);
  }
  return schema.optional().meta({ since, ...(secretKey.test(key) ? { secret: true } : {}) });
}
