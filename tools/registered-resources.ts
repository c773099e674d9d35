import * as pulumi from "@pulumi/pulumi";
import { readStackConfig } from "../components/config.ts";
import { GitLabRunner } from "../components/gitlab-runner.ts";
import { secretMark, tokenPlaceholder, type StackFile } from "./stack-file.ts";

/** A resource as the program asks the engine for it, with its secrets masked. */
export interface RegisteredResource {
  /** Type of the resource, such as `kubernetes:core/v1:Namespace`. */
  readonly type: string;
  /** Name of the resource in Pulumi. */
  readonly name: string;
  /** Id of a resource that exists already, and is only read. */
  readonly id: string | undefined;
  /** Its inputs, or none for one that is only read. */
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** What files show in place of a value that a server makes up. */
export const unknownMark = "[known after apply]";

/** The same of a secret, such as a generated key. */
const unknownSecretMark = "[secret, known after apply]";

/** What files show in place of the digits that Pulumi adds to a name. */
const unknownSuffix = "xxxxxxxx";

/** Stands in for the runner's id, which the program takes for a number. */
const unknownId = Number.MAX_SAFE_INTEGER;

/**
 * Runs the program, less its check of the servers, without an engine: nothing is created, changed or asked for.
 * @returns every resource that it registers, in this order, without components
 * @throws pulumi.RunError when the configuration cannot be deployed
 */
export async function registeredResources(stack: StackFile): Promise<RegisteredResource[]> {
  const resources: RegisteredResource[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, id = "", custom }) => {
        const named = type.startsWith("kubernetes:") ? autoNamed(name, inputs as object) : (inputs as object);
        if (custom !== false && !type.startsWith("pulumi:")) {
          resources.push({
            type,
            name,
            id: id === "" ? undefined : id,
            inputs: masked(named) as RegisteredResource["inputs"],
          });
        }
        return { id: id === "" ? String(unknownId) : id, state: answer(type, named, id) };
      },
      call: () => ({}),
    },
    stack.project,
    stack.name,
    false,
  );
  pulumi.runtime.setAllConfig({ ...stack.config }, [...stack.secretKeys]);
  const name = "gitlab-runner";
  new GitLabRunner(name, readStackConfig(name));
  // Waits for every registration under way.
  await pulumi.runtime.disconnect();
  return resources;
}

/**
 * What the provider would call an object that the program gives no name.
 * Source: https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/ and
 * https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
 */
function autoNamed(name: string, inputs: object): object {
  const { metadata } = inputs as { metadata?: object };
  return metadata === undefined || "name" in metadata
    ? inputs
    : { ...inputs, metadata: { name: `${name}-${unknownSuffix}`, ...metadata } };
}

/** What the servers would add to the inputs. */
function answer(type: string, inputs: object, id: string): Record<string, unknown> {
  switch (type) {
    case "gitlab:index/userRunner:UserRunner":
      return { ...inputs, token: pulumi.secret(unknownMark) };
    case "random:index/randomString:RandomString":
    case "random:index/randomPassword:RandomPassword":
      return { ...inputs, result: pulumi.secret(unknownMark) };
    case "minio:index/iamPolicy:IamPolicy":
      return { name: unknownMark, ...inputs };
    case "minio:index/s3Bucket:S3Bucket":
      return id === "" ? { ...inputs } : { ...inputs, bucket: id };
    case "kubernetes:helm.sh/v3:Release":
      return { ...inputs, status: {}, resourceNames: {} };
    default:
      return { ...inputs };
  }
}

/** @returns the value with marks in place of secrets, placeholders and what is not known yet */
function masked(value: unknown): unknown {
  if (pulumi.runtime.isRpcSecret(value)) {
    return mapLeaves(pulumi.runtime.unwrapRpcSecret(value), maskSecret);
  }
  if (Array.isArray(value)) {
    return value.map(masked);
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item)]));
  }
  return value === unknownId
    ? unknownMark
    : typeof value === "string"
      ? value.replaceAll(String(unknownId), unknownMark).replaceAll(tokenPlaceholder, secretMark)
      : value;
}

/** @returns the mask of a secret text or number; what is empty tells nothing, and stays */
export function maskSecret(value: unknown): unknown {
  if (value === "" || value === undefined || value === null) {
    return value;
  }
  return value === unknownMark || value === unknownSecretMark ? unknownSecretMark : secretMark;
}

/** @returns the value with every text, number and boolean in it replaced */
export function mapLeaves(value: unknown, replace: (leaf: unknown) => unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => mapLeaves(item, replace));
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapLeaves(item, replace)]))
    : replace(value);
}
