import type { V1PodSpec } from "@kubernetes/client-node";
import { parse } from "yaml";
import type { Plain } from "../../tools/kubernetes-model.ts";
import type { KubernetesSettings } from "./runner-config.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = Record<string, Json>;

interface JsonPatchOperation {
  readonly op: string;
  readonly path: string;
  readonly value?: Json;
}

/** Applies the runner's `pod_spec` patches to a pod's spec, in order. Throws if one cannot be applied. */
export function patchPodSpec(
  spec: Plain<V1PodSpec> | undefined,
  patches: KubernetesSettings["pod_spec"],
): Plain<V1PodSpec> | undefined {
  // What is undefined is not there, in JSON.
  let patched = JSON.parse(JSON.stringify(spec ?? {})) as Json;
  for (const { name, patch, patch_type: type } of patches) {
    const change = parse(patch) as Json;
    try {
      if (type === "json") {
        patched = jsonPatch(patched, change);
      } else {
        patched = mergePatch(patched, change, type === "strategic");
      }
    } catch (error) {
      throw new Error(
        `pod_spec patch ${name ?? "without a name"}: ${error instanceof Error ? error.message : "fails"}`,
      );
    }
  }
  return patched as unknown as Plain<V1PodSpec>;
}

/** RFC 7386; with `strategic`, lists of named things are merged by name instead of replaced, as Kubernetes does. */
function mergePatch(target: Json, patch: Json, strategic: boolean): Json {
  if (isObject(patch)) {
    const merged: JsonObject = isObject(target) ? { ...target } : {};
    for (const [key, value] of Object.entries(patch)) {
      if (value === null) {
        Reflect.deleteProperty(merged, key);
      } else {
        merged[key] = mergePatch(merged[key] ?? null, value, strategic);
      }
    }
    return merged;
  }
  if (strategic && Array.isArray(patch) && Array.isArray(target)) {
    const key = patch.every((item) => isObject(item) && typeof item.name === "string") ? "name" : undefined;
    if (key !== undefined) {
      const items = [...target];
      for (const item of patch) {
        const at = items.findIndex((other) => isObject(other) && isObject(item) && other[key] === item[key]);
        if (at >= 0) {
          items[at] = mergePatch(items[at] ?? null, item, true);
        } else {
          items.push(item);
        }
      }
      return items;
    }
  }
  return patch;
}

/** RFC 6902 without `move`, `copy` and `test`. */
function jsonPatch(target: Json, patch: Json): Json {
  if (!Array.isArray(patch)) {
    throw new Error("a JSON patch is a list");
  }
  const result = structuredClone(target);
  for (const { op, path, value = null } of patch as unknown as JsonPatchOperation[]) {
    const keys = path
      .split("/")
      .slice(1)
      .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = keys.pop();
    let parent: Json | undefined = result;
    for (const key of keys) {
      parent = Array.isArray(parent) ? parent[Number(key)] : isObject(parent) ? parent[key] : undefined;
    }
    if (last === undefined || parent === undefined) {
      throw new Error(`no ${path}`);
    }
    if (op !== "add" && op !== "replace" && op !== "remove") {
      throw new Error(`operation ${op} is not supported`);
    }
    if (Array.isArray(parent)) {
      const at = last === "-" ? parent.length : Number(last);
      if (op === "add") {
        parent.splice(at, 0, value);
      } else if (op === "remove") {
        parent.splice(at, 1);
      } else {
        parent[at] = value;
      }
    } else if (isObject(parent)) {
      if (op === "remove") {
        Reflect.deleteProperty(parent, last);
      } else {
        parent[last] = value;
      }
    } else {
      throw new Error(`no ${path}`);
    }
  }
  return result;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
