import { isDeepStrictEqual } from "node:util";
import { parseQuantity } from "../../../components/quantity.ts";
import { isRecord, isUnknown } from "../property-values.ts";
import type { Properties } from "../property-values.ts";

/** What the server alone sets in `metadata`. */
const serverMetadata = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "selfLink",
  "uid",
];

/** @returns the object with a Secret's `stringData` where the server puts it: in `data`, as base64 */
export function normalize(object: Properties): Properties {
  const { stringData, ...others } = object;
  if (object.kind !== "Secret" || !isRecord(stringData)) {
    return object;
  }
  const encoded = Object.fromEntries(
    Object.entries(stringData).map(([key, value]) => [
      key,
      isUnknown(value) ? value : Buffer.from(String(value)).toString("base64"),
    ]),
  );
  return { ...others, data: { ...(isRecord(object.data) ? object.data : {}), ...encoded } };
}

/**
 * @param live the object as the server has it, with all its defaults
 * @param inputs as the program has set it
 * @returns of the live object what the inputs set; amounts are written as in the inputs where they are the same
 */
export function prune(live: unknown, inputs: unknown): unknown {
  if (isRecord(live) && isRecord(inputs)) {
    return Object.fromEntries(
      Object.keys(inputs)
        .filter((key) => !isNothing(live[key]) || isEmpty(inputs[key]))
        .map((key) => [key, isNothing(live[key]) ? inputs[key] : prune(live[key], inputs[key])]),
    );
  }
  if (Array.isArray(live) && Array.isArray(inputs)) {
    return live.map((item: unknown, index) => (index < inputs.length ? prune(item, inputs[index]) : item));
  }
  return isSameAmount(live, inputs) ? inputs : live;
}

/** @returns the inputs that would make the object as it is; for an import */
export function inputsFromLive(live: Properties): Properties {
  const { metadata, status: _, ...others } = live;
  const own = Object.entries(isRecord(metadata) ? metadata : {}).filter(([key]) => !serverMetadata.includes(key));
  return { ...others, metadata: Object.fromEntries(own) };
}

/** @returns whether refreshing an object changes its inputs */
export function isUnchanged(live: Properties, inputs: Properties): boolean {
  const normalized = normalize(inputs);
  return isDeepStrictEqual(prune(live, normalized), normalized);
}

function isNothing(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** Where the program sets an empty list or map, the server stores nothing. */
function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** `0.5` and `500m` are the same to Kubernetes, which writes the second. */
function isSameAmount(one: unknown, other: unknown): boolean {
  const amount = parseQuantity(String(one));
  return amount !== undefined && amount === parseQuantity(String(other));
}
