import { isDeepStrictEqual } from "node:util";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { namedByProgram, withAutoName } from "../auto-name.ts";
import { asText, isRecord } from "../property-values.ts";
import { checkFields, diffFields, inputsAsRead, planFields } from "../resource-fields.ts";
import type { Fields } from "../resource-fields.ts";
import type { ResourceHandler } from "../resource-handler.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import type { MinioClients } from "./minio-clients.ts";

const longestName = 96;

const fields: Fields = {
  name: {
    type: "string",
    computed: true,
    replaces: true,
    problem: (value) =>
      String(value).length > longestName || !/^[\w+=,.@:/-]*$/.test(String(value))
        ? `must have ${longestName} characters at most, of letters, digits and +=,.@:/-_`
        : undefined,
  },
  namePrefix: { type: "string", replaces: true },
  policy: {
    type: "string",
    required: true,
    same: samePolicy,
    problem: (value) => (isRecord(parsed(value)) ? undefined : "is no JSON object"),
  },
};

/**
 * `minio.IamPolicy`; its id is its name. Equivalent policies are treated as equal. If it no longer exists, a
 * refresh fails, an update creates it again, and deleting it succeeds.
 * https://github.com/aminueza/terraform-provider-minio/blob/v1.20.1/minio/resource_minio_iam_policy.go
 */
export function iamPolicy(clients: () => MinioClients): ResourceHandler {
  let folder: string | undefined;
  const put = async (trouble: string, name: string, policy: string, signal: AbortSignal) => {
    folder ??= temporaryFolder("pulumi-minio-policy");
    const file = join(folder, `${encodeURIComponent(name)}.json`);
    await writeFile(file, policy, { mode: 0o600 });
    await clients().mc(trouble, signal, ["admin", "policy", "create", "{alias}", name, file]);
  };

  return {
    check(inputs, previousInputs, { name }) {
      const named = withAutoName(inputs, previousInputs, asText(inputs.namePrefix) ?? name);
      return { inputs: named, failures: checkFields(fields, named) };
    },
    diff: ({ oldOutputs, newInputs }) => ({
      changes: diffFields(fields, oldOutputs, newInputs),
      deleteBeforeReplace: namedByProgram(newInputs),
    }),

    async create(inputs, { preview, signal }) {
      const name = String(inputs.name);
      if (!preview) {
        await put(`unable to create policy (${name})`, name, String(inputs.policy), signal);
      }
      return { id: preview ? "" : name, outputs: planFields(fields, inputs) };
    },

    async read(id, inputs, outputs, { signal }) {
      const trouble = `unable to read policy (${id})`;
      const { policyInfo } = await clients().mc(trouble, signal, ["admin", "policy", "info", "{alias}", id]);
      const text = JSON.stringify(isRecord(policyInfo) ? policyInfo.Policy : undefined);
      const policy = samePolicy(outputs.policy, text) ? outputs.policy : text;
      const read = { ...outputs, name: id, policy };
      return { id, outputs: read, inputs: inputsAsRead(fields, inputs, read) };
    },

    async update(id, inputs, oldOutputs, { preview, signal }) {
      if (!preview) {
        await put(`unable to update policy (${id})`, id, String(inputs.policy), signal);
      }
      return { ...oldOutputs, ...planFields(fields, inputs, oldOutputs) };
    },

    async delete(id, _outputs, { signal }) {
      await clients().mc(`unable to delete policy (${id})`, signal, ["admin", "policy", "remove", "{alias}", id]);
    },
  };
}

function samePolicy(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(normalize(parsed(one)), normalize(parsed(other)));
}

/** In a policy, a single item equals a list of it, and the order of lists does not matter. */
function normalize(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => JSON.stringify(normalize(item))).sort();
    return items.length === 1 ? (JSON.parse(items[0] ?? "null") as unknown) : items;
  }
  if (isRecord(value)) {
    return Object.fromEntries(
      Object.keys(value)
        .sort()
        .map((key) => [key, normalize(value[key])]),
    );
  }
  return value;
}

function parsed(value: unknown): unknown {
  try {
    return JSON.parse(String(value));
  } catch {
    return undefined;
  }
}
