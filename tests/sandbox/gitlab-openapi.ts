import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import Ajv from "ajv";

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<
    Record<string, { readonly content?: { readonly "application/json": { readonly schema: Schema } } }>
  >;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** GitLab's own description of the operations that the emulator has. */
export const document = JSON.parse(
  readFileSync(new URL("../fixtures/gitlab-runners-api.json", import.meta.url), "utf8"),
) as Document;

const pathIds = { id: { type: "integer" } };
const requestFields: Readonly<Record<string, object>> = Object.assign(
  {},
  ...Object.entries(document.components.schemas)
    .filter(([name]) => name.startsWith("RequestBody_"))
    .map(([, schema]) => schema.properties),
  pathIds,
) as Record<string, object>;

const lists = /^(?:projects|groups|steps|hooks|services|credentials|artifacts|cache|ports)$/;

/** A property as GitLab really sends it, by the document's own notes on its gaps (x-rules). */
function property(owner: string, name: string, schema: Schema): object {
  if (schema.$ref !== undefined) {
    const one = { $ref: schema.$ref };
    return lists.test(name) ? { type: "array", items: one } : { anyOf: [one, { type: "null" }] };
  }
  const untyped = schema.type === "string" && schema.format === undefined && schema.enum === undefined;
  // The job request's entities name no types at all.
  if (untyped && owner.startsWith("APIEntitiesCiJobRequest")) {
    return {};
  }
  if (untyped && requestFields[name] !== undefined) {
    return { ...requestFields[name], nullable: true };
  }
  return { ...schema, nullable: true };
}

const schemas = Object.fromEntries(
  Object.entries(document.components.schemas).map(([owner, schema]) => {
    const properties = Object.entries(schema.properties ?? {});
    return [
      owner,
      {
        type: "object",
        additionalProperties: false,
        properties: Object.fromEntries(properties.map(([name, inner]) => [name, property(owner, name, inner)])),
      },
    ];
  }),
);

const ajv = new Ajv({ nullable: true, allErrors: true, unknownFormats: ["int64", "float"] });

/** Operations whose success is one object in the document and a list in truth (x-rules). */
const listing = /^get (?!.*\/runners\/\{id\}$)/;
const noBodyDeletes = new Set(["deleteApiV4RunnersId", "deleteApiV4ProjectsIdRunnersRunnerId"]);

/** The operation of the document that a call is, or undefined. */
export function operationOf(
  method: string,
  path: string,
): { readonly template: string; readonly operation: Operation } | undefined {
  const fitting = Object.entries(document.paths)
    .map(([template, operations]) => ({ template, operation: operations[method.toLowerCase()] }))
    .filter(({ template }) => new RegExp(`^${template.replaceAll(/\{[^}]+\}/g, "[^/]+")}$`).test(path))
    // A literal path goes before one with an id.
    .toSorted((a, b) => a.template.split("{").length - b.template.split("{").length);
  const found = fitting.find(({ operation }) => operation !== undefined);
  return found?.operation && { template: found.template, operation: found.operation };
}

/** Fails unless the document knows this answer to this call, status and body; calls that it doesn't have pass. */
export function checkAnswer(method: string, path: string, status: number, body: unknown): void {
  const found = operationOf(method, path);
  if (!found) {
    return;
  }
  const { template, operation } = found;
  const name = `${method} ${template}: ${status}`;
  // Every call authenticates and checks scopes, though not every operation lists 401 and 403 (x-rules).
  const known = [...Object.keys(operation.responses), "401", "403"];
  if (noBodyDeletes.has(operation.operationId)) {
    known.push("204");
  }
  assert.ok(known.includes(String(status)), `${name} is not among ${known.join(", ")}`);
  const schema = operation.responses[String(status)]?.content?.["application/json"].schema;
  if (status >= 300 || schema?.$ref === undefined) {
    return;
  }
  const one = { $ref: schema.$ref };
  const isList = listing.test(`${method.toLowerCase()} ${template}`);
  const valid = ajv.validate(
    { components: { schemas }, ...(isList ? { type: "array", items: one } : { allOf: [one] }) },
    body,
  );
  assert.ok(valid, `${name}: ${ajv.errorsText()} in ${JSON.stringify(body)}`);
}
