import * as pulumi from "@pulumi/pulumi";
import { autoNamed, runWithMocks, type MockResource } from "../../tools/mock-engine.ts";

/** A resource as the program asked the engine for it, without the wrapping that marks secrets. */
export interface RegisteredResource {
  readonly type: string;
  readonly name: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into inputs of every shape
  readonly inputs: Record<string, any>;
  /** The inputs, with what servers add to them. */
  readonly state: Readonly<Record<string, unknown>>;
}

/** How to run a program under test. */
export interface DeployOptions {
  /** @defaultValue false */
  readonly preview?: boolean;
  /** What servers add to the inputs of a resource instead of what they add to all of its type. */
  readonly answers?: (resource: MockResource) => object;
}

/** What a program under test has registered, and made of it. */
export interface Deployment<T> {
  readonly result: T;
  readonly resources: readonly RegisteredResource[];
  /** The one resource of this type, and of this name if given; throws where there is not exactly one. */
  readonly one: (type: string, name?: string) => RegisteredResource;
  /** All resources of this type. */
  readonly all: (type: string) => RegisteredResource[];
}

/** What the servers would answer: ids, tokens and keys. */
function answer(resource: MockResource): object {
  const { type, name } = resource;
  const inputs = autoNamed(resource, "1a2b3c4d");
  switch (type) {
    case "gitlab:index/userRunner:UserRunner":
      return { ...inputs, token: "glrt-t3_aaaaaaaaaaaaaaaaaaaa" };
    case "minio:index/iamPolicy:IamPolicy":
      return { ...inputs, name: `${name}-1a2b3c4` };
    case "random:index/randomString:RandomString":
      return { ...inputs, result: "ACCESSKEY0123456789A" };
    case "random:index/randomPassword:RandomPassword":
      return { ...inputs, result: "secretkey0secretkey0secretkey0secretkey0" };
    case "kubernetes:helm.sh/v3:Release":
      return {
        ...inputs,
        status: {
          name: inputs["name"],
          chart: "gitlab-runner",
          version: "0.86.0",
          appVersion: "18.9.0",
          status: "deployed",
        },
        resourceNames: { "Deployment.apps/apps/v1": ["gitlab-runner/gitlab-runner"] },
      };
    default:
      return inputs;
  }
}

/** Runs a program against mocks, until every resource that it asks for is registered. */
export async function deploy<T>(
  program: () => T | Promise<T>,
  { preview = false, answers = () => ({}) }: DeployOptions = {},
): Promise<Deployment<T>> {
  const stateOf = (resource: MockResource) => ({ ...answer(resource), ...answers(resource) });
  const { result, resources: registered } = await runWithMocks(program, {
    project: "gitlab-runner",
    stack: "test",
    preview,
    answer: (resource) => {
      const id = resource.type === "gitlab:index/userRunner:UserRunner" ? "4711" : `${resource.name}-id`;
      return { id: resource.isComponent ? undefined : id, state: stateOf(resource) };
    },
  });
  const resources = registered.map((resource) => ({
    type: resource.type,
    name: resource.name,
    inputs: plain(resource.inputs) as RegisteredResource["inputs"],
    state: plain(stateOf(resource)) as RegisteredResource["state"],
  }));
  const all = (type: string) => resources.filter((resource) => resource.type === type);
  return {
    result,
    resources,
    all,
    one: (type, name) => {
      const [first, ...others] = all(type).filter((resource) => name === undefined || resource.name === name);
      if (first === undefined || others.length > 0) {
        const seen = resources.map((resource) => `${resource.type} ${resource.name}`).join("\n");
        throw new Error(`expected one ${type} ${name ?? ""}, but there are:\n${seen}`);
      }
      return first;
    },
  };
}

/** The value of an output; rejects where there is none. */
export async function valueOf<T>(output: pulumi.Output<T> | undefined): Promise<T> {
  if (output === undefined) {
    throw new Error("there is no such output");
  }
  return new Promise((resolve) => output.apply(resolve));
}

/** Whether an output is marked as secret. */
export async function isSecret(output: pulumi.Output<unknown> | undefined): Promise<boolean> {
  return output !== undefined && pulumi.isSecret(output);
}

/** Values as the server gets them: without the wrapping that marks secrets. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return pulumi.runtime.isRpcSecret(value)
    ? plain(pulumi.runtime.unwrapRpcSecret(value))
    : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
