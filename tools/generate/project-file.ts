import { parseDocument } from "yaml";
import { z } from "zod";
import { inArguments, stackKeys } from "../../components/config/stack-keys.ts";
import { defaultIn, standInAt, unwrap } from "../../components/settings/lookup.ts";
import { registrationSettings } from "../../components/settings/registration.ts";
import { groups, runnerSettings } from "../../components/settings/runner.ts";
import { declarationsIn, type Declaration } from "./declarations.ts";

/** @returns Pulumi.yaml with every configuration key, its type, default and description */
export function projectFile(now: string): string {
  const file = parseDocument(now);
  const declarations = new Map(
    [...declarationsIn(runnerSettings), ...declarationsIn(registrationSettings)].map((one) => [one.key, one] as const),
  );
  const config = file.createNode({}) as ReturnType<typeof file.createNode> & {
    set: (key: unknown, value: unknown) => void;
  };
  for (const key of stackKeys) {
    const declaration = declarations.get(key);
    if (declaration !== undefined) {
      const entry = file.createNode(entryOf(declaration));
      const comment = declaration.schema.meta()?.comment;
      if (comment !== undefined) {
        entry.commentBefore = ` ${comment}`;
      }
      config.set(key, entry);
    }
  }
  file.set("config", config);
  return file.toString({ lineWidth: 120 });
}

function entryOf({ key, type, schema, description, unset }: Declaration): Record<string, unknown> {
  const isGroup = key in groups;
  const text = description.replaceAll("`", "");
  return {
    ...typeOf(schema, type),
    default: defaultOf(key, schema),
    description: isGroup
      ? `${text.replace(/\.$/, "")}; see docs/configuration.md#${key.toLowerCase()}`
      : standInAt(inArguments([key])) === undefined || unset === undefined || unset === "none"
        ? text
        : `${text} Not set: ${unset.replaceAll("`", "")}.`,
  };
}

/** The types that Pulumi knows: https://www.pulumi.com/docs/iac/concepts/projects/project-file/#config-options */
function typeOf(schema: z.ZodType, type: z.ZodType): Record<string, unknown> {
  const isUnion = unwrap(schema).some((part) => part instanceof z.ZodUnion);
  if (isUnion) {
    return {};
  }
  if (type instanceof z.ZodArray) {
    const items = typeOf(type.element as z.ZodType, unwrap(type.element as z.ZodType).at(-1) ?? type);
    return "type" in items ? { type: "array", items } : {};
  }
  return {
    type:
      type instanceof z.ZodNumber
        ? "integer"
        : type instanceof z.ZodBoolean
          ? "boolean"
          : type instanceof z.ZodObject || type instanceof z.ZodRecord
            ? "object"
            : "string",
  };
}

/** @returns the default, or what stands for "not set" there */
function defaultOf(key: string, schema: z.ZodType): unknown {
  return schema.meta()?.stackDefault ?? defaultIn(schema) ?? standInAt(inArguments([key])) ?? {};
}
