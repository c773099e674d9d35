import * as pulumi from "@pulumi/pulumi";
import { readStackConfig } from "../components/config.ts";
import { GitLabRunner } from "../components/gitlab-runner.ts";
import { autoNamed, runWithMocks, type MockResource } from "./mock-engine.ts";
import { secretMark, tokenPlaceholder, type StackConfiguration } from "./stack-file.ts";

/** A resource as the program asks the engine for it, named and with its secrets masked. */
export type RegisteredResource = Omit<MockResource, "isComponent">;

/** What files show in place of a value that a server makes up. */
export const unknownMark = "[known after apply]";

/** The same of a secret, such as a generated key. */
const unknownSecretMark = "[secret, known after apply]";

/** What files show in place of the digits that Pulumi adds to a name. */
const unknownSuffix = "xxxxxxxx";

/** Stands in for the runner's id, which the program takes for a number. */
const unknownId = Number.MAX_SAFE_INTEGER;

/**
 * Runs the program, less its check of the servers, without an engine.
 * @returns every resource that it registers, in this order, without components
 * @throws pulumi.RunError when the configuration cannot be deployed
 */
export async function registeredResources(stack: StackConfiguration): Promise<readonly RegisteredResource[]> {
  const { resources } = await runWithMocks(
    () => {
      pulumi.runtime.setAllConfig({ ...stack.config }, [...stack.secretKeys]);
      const name = "gitlab-runner";
      new GitLabRunner(name, readStackConfig(name));
    },
    {
      project: stack.project,
      stack: stack.name,
      answer: (resource) => ({ id: resource.id ?? String(unknownId), state: answer(resource) }),
    },
  );
  return resources
    .filter(({ type, isComponent }) => !isComponent && !type.startsWith("pulumi:"))
    .map((resource) => ({
      type: resource.type,
      name: resource.name,
      id: resource.id,
      inputs: masked(autoNamed(resource, unknownSuffix)) as RegisteredResource["inputs"],
    }));
}

/** What the servers would add to the inputs. */
function answer(resource: MockResource): object {
  const inputs = autoNamed(resource, unknownSuffix);
  switch (resource.type) {
    case "gitlab:index/userRunner:UserRunner":
      return { ...inputs, token: pulumi.secret(unknownMark) };
    case "random:index/randomString:RandomString":
    case "random:index/randomPassword:RandomPassword":
      return { ...inputs, result: pulumi.secret(unknownMark) };
    case "minio:index/iamPolicy:IamPolicy":
      return { name: unknownMark, ...inputs };
    case "minio:index/s3Bucket:S3Bucket":
      return resource.id === undefined ? inputs : { ...inputs, bucket: resource.id };
    case "kubernetes:helm.sh/v3:Release":
      return { ...inputs, status: {}, resourceNames: {} };
    default:
      return inputs;
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
