import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import type { JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb.js";

/** A resource's inputs or outputs by name; values are plain JSON, {@link unknownValue}, or results of {@link secret}. */
export type Properties = Readonly<Record<string, unknown>>;

/** The engine's placeholder for a value that is known only after `pulumi up`. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** @returns the value marked as a secret, so that the engine encrypts it in the state and hides it in its output */
export function secret(value: unknown): unknown {
  return value === undefined || value === null ? value : { [signatureKey]: secretSignature, value };
}

/** @returns the properties with those of the given names marked as secrets */
export function withSecrets(properties: Properties, ...names: readonly string[]): Properties {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, names.includes(name) ? secret(value) : value]),
  );
}

/** @returns whether the value is, or contains, one that is known only after `pulumi up` */
export function isUnknown(value: unknown): boolean {
  if (typeof value === "object" && value !== null) {
    return Object.values(value).some(isUnknown);
  }
  return value === unknownValue;
}

/** @returns the value if it is a string, otherwise undefined */
export function asText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** @returns whether the value is a plain object, not a list */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @returns the properties in a message of the engine, without those that are null; a nested null may have a meaning, such
 *   as a Helm value that removes the chart's default
 */
export function fromStruct(struct: Struct | undefined): Properties {
  return struct === undefined ? {} : present(struct.toJavaScript());
}

/** @returns the properties as a message for the engine, without undefined ones */
export function toStruct(properties: Properties): Struct {
  return structProto.Struct.fromJavaScript(withoutUndefined(present(properties)) as Record<string, JavaScriptValue>);
}

function present(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined && value !== null));
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((item: unknown) => (item === undefined ? null : withoutUndefined(item)));
  }
  if (isRecord(value)) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => [key, withoutUndefined(item)]),
    );
  }
  return value;
}
