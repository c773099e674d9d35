import { randomBytes } from "node:crypto";
import { checkFields, diffFields, inputsAsRead } from "../resource-fields.ts";
import type { Fields } from "../resource-fields.ts";
import type { ResourceHandler } from "../resource-handler.ts";
import type { MinioClients } from "./minio-clients.ts";

const fields: Fields = {
  policyName: { type: "string", required: true, replaces: true },
  userName: { type: "string", required: true, replaces: true },
};

/**
 * `minio.IamUserPolicyAttachment`: attaches a policy to a user. It is imported by `user/policy`. Every operation fails if
 * the user no longer exists, even a refresh.
 * https://github.com/aminueza/terraform-provider-minio/blob/v1.20.1/minio/resource_minio_iam_user_policy_attachment.go
 */
export function iamUserPolicyAttachment(clients: () => MinioClients): ResourceHandler {
  const attached = async (user: string, signal: AbortSignal): Promise<string[]> => {
    const trouble = `failed to load user Infos (${user})`;
    const { policyName } = await clients().mc(trouble, signal, ["admin", "user", "info", "{alias}", user]);
    return typeof policyName === "string" && policyName !== "" ? policyName.split(",") : [];
  };

  return {
    check: (inputs) => ({ inputs, failures: checkFields(fields, inputs) }),
    diff: ({ oldOutputs, newInputs }) => ({ changes: diffFields(fields, oldOutputs, newInputs) }),

    async create(inputs, { preview, signal }) {
      if (preview) {
        return { id: "", outputs: inputs };
      }
      const { userName, policyName } = names(inputs);
      if (!(await attached(userName, signal)).includes(policyName)) {
        await clients().mc(`unable to Set User policy (${userName} ${policyName})`, signal, [
          ...["admin", "policy", "attach", "{alias}", policyName],
          ...["--user", userName],
        ]);
      }
      return { id: newId(userName), outputs: inputs };
    },

    async read(id, inputs, outputs, { signal }) {
      const known = outputs.userName === undefined ? importedNames(id) : names(outputs);
      if (!(await attached(known.userName, signal)).includes(known.policyName)) {
        return undefined;
      }
      const readId = outputs.userName === undefined ? newId(known.userName) : id;
      return { id: readId, outputs: { ...known }, inputs: inputsAsRead(fields, inputs, { ...known }) };
    },

    async delete(_id, outputs, { signal }) {
      const { userName, policyName } = names(outputs);
      if ((await attached(userName, signal)).includes(policyName)) {
        await clients().mc(`unable to delete user policy (${userName})`, signal, [
          ...["admin", "policy", "detach", "{alias}", policyName],
          ...["--user", userName],
        ]);
      }
    },
  };
}

interface Names {
  readonly userName: string;
  readonly policyName: string;
}

function names({ userName, policyName }: Readonly<Record<string, unknown>>): Names {
  if (typeof userName !== "string" || typeof policyName !== "string") {
    throw new Error("minio: the attachment of a policy to a user must have the names of both");
  }
  return { userName, policyName };
}

function importedNames(id: string): Names {
  const [, userName, policyName] = /^([^/]+)\/(.+)$/.exec(id) ?? [];
  if (userName === undefined || policyName === undefined) {
    throw new Error(`minio: ${JSON.stringify(id)} is no attachment; import it by user/policy`);
  }
  return { userName, policyName };
}

/** The user's name with a unique number; as in the real provider, it starts with the time, so that later ones sort last. */
function newId(user: string): string {
  const now = new Date().toISOString().replace(/\D/g, "");
  return `${user}-${now}${randomBytes(4).toString("hex")}`;
}
