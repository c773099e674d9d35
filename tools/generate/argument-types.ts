import { z } from "zod";
import { unwrap } from "../../components/settings/lookup.ts";
import { groups, runnerSettings } from "../../components/settings/runner.ts";
import { declarationsIn, typeName, type Declaration } from "./declarations.ts";

const groupNames: Readonly<Record<string, string>> = {
  cache: "CacheArgs",
  manager: "ManagerArgs",
  jobs: "JobArgs",
  chart: "ChartArgs",
  networkPolicy: "NetworkPolicyArgs",
};

/** @returns the file with the types of GitLabRunner's arguments */
export function argumentTypes(): string {
  const interfaces = new Map<string, string>();
  const top = interfaceText(
    "GitLabRunnerArgs",
    "Inputs of GitLabRunner: either `registration` or `runnerToken`; everything else has a default.",
    runnerSettings,
    interfaces,
  );
  return [
    "// Written by `npm run generate` from the declarations in components/settings.",
    'import type * as pulumi from "@pulumi/pulumi";',
    top,
    ...interfaces.values(),
  ].join("\n\n");
}

function interfaceText(name: string, description: string, schema: z.ZodType, named: Map<string, string>): string {
  return `/** ${description} */\nexport interface ${name} ${fieldsText(schema, named)}`;
}

/** @returns the fields of an object of settings, in braces */
function fieldsText(schema: z.ZodType, named: Map<string, string>): string {
  const fields = declarationsIn(schema).map((declaration) => {
    const { key, schema: field } = declaration;
    const isOptional = field.safeParse(undefined).success ? "?" : "";
    const name = /^\w+$/.test(key) ? key : JSON.stringify(key);
    return `${comment(declaration)}\nreadonly ${name}${isOptional}: ${typeText(field, named, key)};`;
  });
  return `{\n${fields.join("\n")}\n}`;
}

function comment({ description, unset, source }: Declaration): string {
  const defaultValue = unset === undefined ? "" : ` @defaultValue ${unset}`;
  return `/** ${description}${source === undefined ? "" : ` Source: ${source}`}${defaultValue} */`;
}

/** @returns the type of what may be given for a schema */
function typeText(schema: z.ZodType, named: Map<string, string>, key = ""): string {
  const text = plainType(schema, named, key);
  const isInput = unwrap(schema).some((part) => part.meta()?.input === true);
  const mayBeUndefined = schema instanceof z.ZodOptional ? " | undefined" : "";
  return isInput ? `pulumi.Input<${text}${mayBeUndefined}>` : text;
}

function plainType(schema: z.ZodType, named: Map<string, string>, key: string): string {
  const union = unwrap(schema).find((part) => part instanceof z.ZodUnion);
  if (union !== undefined) {
    const options = (union.options as z.ZodType[]).map((option) => plainType(option, named, key));
    return options.includes("unknown") ? "unknown" : [...new Set(options)].join(" | ");
  }
  if (unwrap(schema).at(-2) instanceof z.ZodLazy) {
    // The runner's own keys, which its documentation describes.
    return "Readonly<Record<string, unknown>>";
  }
  const type = unwrap(schema).at(-1);
  if (type instanceof z.ZodObject) {
    return objectType(schema, named, key);
  }
  if (type instanceof z.ZodArray) {
    const element = typeText(type.element as z.ZodType, named);
    return /[ |<]/.test(element) ? `readonly (${element})[]` : `readonly ${element}[]`;
  }
  if (type instanceof z.ZodRecord) {
    return `Readonly<Record<string, ${typeText(type.valueType as z.ZodType, named)}>>`;
  }
  if (type instanceof z.ZodEnum) {
    return type.options.map((option) => JSON.stringify(option)).join(" | ");
  }
  if (type instanceof z.ZodLiteral) {
    return [...type.values].map((value) => JSON.stringify(value)).join(" | ");
  }
  if (type instanceof z.ZodNumber) {
    return "number";
  }
  if (type instanceof z.ZodBoolean) {
    return "boolean";
  }
  // JSON of any shape is declared recursively.
  return type instanceof z.ZodString || type instanceof z.ZodStringFormat || type instanceof z.ZodCustom
    ? "string"
    : "unknown";
}

/** @returns the name of an object's own interface, which is written, too; one without keys is any object */
function objectType(schema: z.ZodType, named: Map<string, string>, key: string): string {
  const object = unwrap(schema).at(-1) as z.ZodObject;
  if (Object.keys(object.shape).length === 0) {
    return "Readonly<Record<string, unknown>>";
  }
  const isGroup = key in groups;
  const name = isGroup ? groupNames[key] : typeName(schema);
  if (name === undefined) {
    return fieldsText(object, named);
  }
  if (!named.has(name)) {
    named.set(name, "");
    const described = unwrap(schema)
      .map((part) => part.meta()?.description)
      .findLast((text) => text !== undefined);
    const own = isGroup ? runnerSettings.shape[key as keyof typeof groups].meta()?.description : described;
    named.set(name, interfaceText(name, own ?? "", object, named));
  }
  return name;
}
