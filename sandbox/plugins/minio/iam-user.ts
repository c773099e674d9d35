import { randomBytes } from "node:crypto";
import { namedByProgram, withAutoName } from "../auto-name.ts";
import { asText, secret, unknownValue } from "../property-values.ts";
import { checkFields, diffFields, inputsAsRead, planFields } from "../resource-fields.ts";
import type { Fields } from "../resource-fields.ts";
import type { ResourceHandler } from "../resource-handler.ts";
import { MinioError } from "./minio-clients.ts";
import type { MinioClients } from "./minio-clients.ts";

const fields: Fields = {
  name: {
    type: "string",
    required: true,
    replaces: true,
    problem: (value) =>
      /^[0-9A-Za-z=,.@\-_+]+$/.test(String(value))
        ? undefined
        : "has characters other than letters, digits and =,.@-_+",
  },
  secret: { type: "string", computed: true },
  disableUser: { type: "boolean", default: false },
  forceDestroy: { type: "boolean", default: false },
  updateSecret: { type: "boolean", default: false },
  tags: { type: "map" },
};

/**
 * `minio.IamUser`: a user with a name, which is its id and access key, and a secret key. A refresh drops a user that no longer
 * exists; without a refresh, updating or deleting it fails.
 * https://github.com/aminueza/terraform-provider-minio/blob/v1.20.1/minio/resource_minio_iam_user.go
 */
export function iamUser(clients: () => MinioClients): ResourceHandler {
  // Through stdin, where other processes cannot see it.
  const add = (trouble: string, name: string, key: string, signal: AbortSignal) =>
    clients().mc(trouble, signal, ["admin", "user", "add", "{alias}"], `${name}\n${key}\n`);
  const setStatus = (name: string, status: "enabled" | "disabled", signal: AbortSignal) =>
    clients().mc(`error disabling IAM User (${name})`, signal, [
      ...["admin", "user", status === "enabled" ? "enable" : "disable"],
      ...["{alias}", name],
    ]);
  const statusOf = async (name: string, signal: AbortSignal): Promise<string | undefined> => {
    try {
      const trouble = `error reading IAM User (${name})`;
      const { userStatus } = await clients().mc(trouble, signal, ["admin", "user", "info", "{alias}", name]);
      return String(userStatus);
    } catch (error) {
      if (error instanceof MinioError && error.code === "XMinioAdminNoSuchUser") {
        return undefined;
      }
      throw error;
    }
  };

  return {
    check(inputs, previousInputs, { name }) {
      const named = withAutoName(inputs, previousInputs, name);
      return { inputs: named, failures: checkFields(fields, named) };
    },
    diff: ({ oldOutputs, newInputs }) => ({
      changes: diffFields(fields, oldOutputs, newInputs),
      deleteBeforeReplace: namedByProgram(newInputs),
    }),

    async create(inputs, { preview, signal }) {
      const planned = planFields(fields, inputs);
      if (preview) {
        return { id: "", outputs: { ...planned, status: unknownValue } };
      }
      const name = String(planned.name);
      const key = asText(inputs.secret) ?? newSecretKey();
      await add(`error creating user (${name})`, name, key, signal);
      const status = planned.disableUser === true ? "disabled" : "enabled";
      if (status === "disabled") {
        await setStatus(name, status, signal);
      }
      return { id: name, outputs: { ...planned, secret: secret(key), status } };
    },

    async read(id, inputs, outputs, { signal }) {
      const status = await statusOf(id, signal);
      if (status === undefined) {
        return undefined;
      }
      const live = { ...planFields(fields, {}, outputs), name: id, ...outputs, status };
      return { id, outputs: live, inputs: inputsAsRead(fields, inputs, live) };
    },

    async update(id, inputs, oldOutputs, { preview, signal }) {
      const planned = planFields(fields, inputs, oldOutputs);
      const wanted = planned.disableUser === true ? "disabled" : "enabled";
      if (preview) {
        return { ...oldOutputs, ...planned, status: wanted };
      }
      // Before the key, so that a missing user is an error, rather than created again without its policy.
      if (wanted !== (await statusOf(id, signal))) {
        await setStatus(id, wanted, signal);
      }
      const key = planned.updateSecret === true ? newSecretKey() : String(planned.secret);
      if (key !== oldOutputs.secret) {
        await add(`error updating IAM User Key (${id})`, id, key, signal);
      }
      return { ...oldOutputs, ...planned, secret: secret(key), status: wanted };
    },

    async delete(id, _outputs, { signal }) {
      await clients().mc(`error deleting IAM User (${id})`, signal, ["admin", "user", "remove", "{alias}", id]);
    },
  };
}

/** 40 characters, as in MinIO. */
function newSecretKey(): string {
  return randomBytes(30).toString("base64");
}
