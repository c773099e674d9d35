import { isDeepStrictEqual } from "node:util";
import type { KubernetesObject } from "@kubernetes/client-node";
import { parseAllDocuments } from "yaml";
import { ok, problem, skipped, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { httpStatus } from "../../clients/describe-error.ts";
import { reapplyRelease } from "../fixes/reapply-release.ts";
import { releaseRepair } from "../release-repair.ts";

/** The objects of the Helm release are as Helm applied them; Pulumi compares only the release's values. */
export const releaseObjects: Check<DoctorContext> = {
  id: "release-objects",
  title: "The objects of the Helm release are unchanged",
  needs: ["release"],
  run: async (context) => {
    const { kubernetes, outputs } = context;
    const { namespace, release } = outputs;
    const { manifest = "", revision = 0 } = (await kubernetes().helmRelease(namespace, release.name)) ?? {};
    const objects = objectsIn(manifest, namespace);
    try {
      const tried = await Promise.all(objects.map((object) => kubernetes().tryApply(object)));
      const changed = objects.flatMap((object, index) => {
        const name = `${object.kind ?? ""} ${object.metadata?.name ?? ""}`;
        const result = tried[index];
        if (result === undefined) {
          return [`The ${name} was deleted.`];
        }
        const fields = changedFields(result.live, result.applied);
        return fields.length === 0 ? [] : [`The ${name} was changed: ${fields.join(", ")}.`];
      });
      return changed.length === 0
        ? ok(`${objects.length} of ${objects.length}`)
        : problem(changed.join("\n"), await releaseRepair(context), reapplyRelease(outputs, revision));
    } catch (error) {
      if (httpStatus(error) === 403) {
        return skipped(
          "You may not change the release's objects, so a dry run of applying them again is not possible.",
        );
      }
      throw error;
    }
  },
};

/** @returns the objects of a release's manifest, each with its namespace */
export function objectsIn(manifest: string, namespace: string): KubernetesObject[] {
  return parseAllDocuments(manifest)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object?.kind !== undefined)
    .map((object) => Object.assign({}, object, { metadata: Object.assign({ namespace }, object?.metadata) }));
}

/** @returns paths of the first few fields that differ, without those that the server manages */
export function changedFields(live: object, applied: object): string[] {
  return differences(withoutServerFields(live), withoutServerFields(applied), "").slice(0, 5);
}

function withoutServerFields(object: object): object {
  const {
    status: _status,
    metadata,
    ...fields
  } = object as { status?: object; metadata?: KubernetesObject["metadata"] };
  return { ...fields, metadata: { labels: metadata?.labels, annotations: metadata?.annotations } };
}

function differences(a: unknown, b: unknown, path: string): string[] {
  if (isDeepStrictEqual(a, b)) {
    return [];
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return [path];
  }
  const fields = new Set([...Object.keys(a), ...Object.keys(b)]);
  const at = (object: object, field: string) => (object as Readonly<Record<string, unknown>>)[field];
  return [...fields].flatMap((field) => {
    const step = Array.isArray(a) ? `[${field}]` : path === "" ? field : `.${field}`;
    return differences(at(a, field), at(b, field), `${path}${step}`);
  });
}
