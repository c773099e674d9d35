import { z } from "zod";
import { isRecord, isUnknown } from "../property-values.ts";
import type { Properties } from "../property-values.ts";
import { checkFields, diffFields, inputsAsRead } from "../resource-fields.ts";
import type { Fields } from "../resource-fields.ts";
import type { ResourceHandler } from "../resource-handler.ts";
import { MinioError } from "./minio-clients.ts";
import type { MinioClients } from "./minio-clients.ts";

const knownRuleFields = ["id", "status", "expiration", "filter", "tags", "noncurrentVersionExpirationDays"];

const fields: Fields = {
  bucket: { type: "string", required: true, replaces: true },
  rules: { type: "list", required: true, same: sameRules, problem: (value) => ruleProblem(value as unknown[]) },
};

const lifecycle = z.looseObject({
  config: z.looseObject({
    Rules: z.array(
      z.looseObject({
        ID: z.string(),
        Status: z.string(),
        Expiration: z
          .looseObject({
            Days: z.number().optional(),
            Date: z.string().optional(),
            DeleteMarker: z.boolean().optional(),
          })
          .optional(),
        Filter: z
          .looseObject({
            Prefix: z.string().optional(),
            And: z
              .looseObject({
                Prefix: z.string().optional(),
                Tags: z.array(z.object({ Key: z.string(), Value: z.string() })).optional(),
              })
              .optional(),
          })
          .optional(),
        NoncurrentVersionExpiration: z.looseObject({ NoncurrentDays: z.number().optional() }).optional(),
      }),
    ),
  }),
});

type LifecycleRule = z.output<typeof lifecycle>["config"]["Rules"][number];

/**
 * `minio.IlmPolicy`: when MinIO deletes a bucket's objects by itself; its id is the bucket's name. A refresh drops it
 * if it cannot be read for any reason.
 * https://github.com/aminueza/terraform-provider-minio/blob/v1.20.1/minio/resource_minio_ilm_policy.go
 */
export function ilmPolicy(clients: () => MinioClients): ResourceHandler {
  const put = (bucket: string, rules: unknown, signal: AbortSignal) =>
    clients().mc(
      `creating bucket lifecycle failed (${bucket})`,
      signal,
      ["ilm", "rule", "import", `{alias}/${bucket}`],
      JSON.stringify({ Rules: (rules as Properties[]).map(toLifecycleRule) }),
    );

  return {
    check: (inputs) => ({ inputs, failures: checkFields(fields, inputs) }),
    diff: ({ oldOutputs, newInputs }) => ({ changes: diffFields(fields, oldOutputs, newInputs) }),

    async create(inputs, { preview, signal }) {
      if (!preview) {
        await put(String(inputs.bucket), inputs.rules, signal);
      }
      return { id: preview ? "" : String(inputs.bucket), outputs: withDefaults(inputs) };
    },

    async read(id, inputs, _outputs, { signal }) {
      try {
        const trouble = `reading lifecycle configuration failed (${id})`;
        const { config } = lifecycle.parse(
          await clients().mc(trouble, signal, ["ilm", "rule", "export", `{alias}/${id}`]),
        );
        const live = { bucket: id, rules: config.Rules.map(fromLifecycleRule) };
        return { id, outputs: live, inputs: inputsAsRead(fields, inputs, live) };
      } catch (error) {
        if (error instanceof MinioError) {
          return undefined;
        }
        throw error;
      }
    },

    async update(id, inputs, _oldOutputs, { preview, signal }) {
      if (!preview) {
        await put(id, inputs.rules, signal);
      }
      return withDefaults(inputs);
    },

    async delete(id, _outputs, { signal }) {
      try {
        await clients().mc(`deleting lifecycle configuration failed (${id})`, signal, [
          ...["ilm", "rule", "remove", "--all", "--force"],
          `{alias}/${id}`,
        ]);
      } catch (error) {
        if (!(error instanceof MinioError && error.code === "NoSuchLifecycleConfiguration")) {
          throw error;
        }
      }
    },
  };
}

function withDefaults(inputs: Properties): Properties {
  return { ...inputs, rules: Array.isArray(inputs.rules) ? inputs.rules.map(withRuleDefaults) : inputs.rules };
}

function withRuleDefaults(rule: unknown): unknown {
  return isRecord(rule) ? { status: "Enabled", ...rule } : rule;
}

function sameRules(one: unknown, other: unknown): boolean {
  const normalized = (rules: readonly unknown[]) =>
    rules.every(isRecord) ? rules.map((rule) => JSON.stringify(toLifecycleRule(rule))).join("\n") : undefined;
  return (
    Array.isArray(one) && Array.isArray(other) && normalized(one) !== undefined && normalized(one) === normalized(other)
  );
}

function ruleProblem(rules: unknown[]): string | undefined {
  for (const rule of rules) {
    if (!isRecord(rule) || rule.id === undefined) {
      return "has a rule without id";
    }
    const unknownField = Object.keys(rule).find((name) => !knownRuleFields.includes(name));
    if (unknownField !== undefined) {
      return `has a rule with ${unknownField}, which is not one of ${knownRuleFields.join(", ")}`;
    }
    const { expiration } = rule;
    const valid = /^(\d+d|\d{4}-\d\d-\d\d|DeleteMarker)$/;
    if (typeof expiration === "string" && !isUnknown(expiration) && !valid.test(expiration)) {
      return `has expiration ${JSON.stringify(expiration)}; it must be days such as 5d, a date such as 2030-01-31, or DeleteMarker`;
    }
  }
  return undefined;
}

function toLifecycleRule(rule: Properties): unknown {
  const { id, status = "Enabled", expiration, filter, tags, noncurrentVersionExpirationDays: noncurrent } = rule;
  const tagList = Object.entries((tags ?? {}) as Record<string, string>).map(([Key, Value]) => ({ Key, Value }));
  return {
    ID: id,
    Status: status,
    ...(typeof expiration === "string" ? { Expiration: toExpiration(expiration) } : {}),
    Filter: tagList.length > 0 ? { And: { Prefix: filter ?? "", Tags: tagList } } : { Prefix: filter ?? "" },
    ...(typeof noncurrent === "number" && noncurrent > 0
      ? { NoncurrentVersionExpiration: { NoncurrentDays: noncurrent } }
      : {}),
  };
}

function toExpiration(expiration: string): Properties {
  if (expiration === "DeleteMarker") {
    return { DeleteMarker: true };
  }
  return expiration.endsWith("d") ? { Days: Number(expiration.slice(0, -1)) } : { Date: `${expiration}T00:00:00Z` };
}

function fromLifecycleRule(rule: LifecycleRule): Properties {
  const { Days: days, Date: date, DeleteMarker: deleteMarker } = rule.Expiration ?? {};
  const tags = rule.Filter?.And?.Tags ?? [];
  const filter = rule.Filter?.And?.Prefix ?? rule.Filter?.Prefix ?? "";
  const expiration = deleteMarker ? "DeleteMarker" : days ? `${days}d` : date?.slice(0, 10);
  return {
    id: rule.ID,
    status: rule.Status,
    expiration,
    ...(filter === "" ? {} : { filter }),
    ...(tags.length > 0 ? { tags: Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])) } : {}),
    ...(rule.NoncurrentVersionExpiration?.NoncurrentDays
      ? { noncurrentVersionExpirationDays: rule.NoncurrentVersionExpiration.NoncurrentDays }
      : {}),
  };
}
