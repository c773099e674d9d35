import * as pulumi from "@pulumi/pulumi";

/** A resource as the program asked the engine for it. */
export interface RegisteredResource {
  readonly type: string;
  readonly name: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into inputs of every shape
  readonly inputs: Record<string, any>;
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
function answer(args: pulumi.runtime.MockResourceArgs): Record<string, unknown> {
  const inputs = args.inputs as Record<string, unknown>;
  switch (args.type) {
    case "gitlab:index/userRunner:UserRunner":
      return { ...inputs, token: "glrt-t3_aaaaaaaaaaaaaaaaaaaa" };
    case "minio:index/iamPolicy:IamPolicy":
      return { ...inputs, name: `${args.name}-1a2b3c4` };
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
      return args.type.startsWith("kubernetes:") ? autoNamed(args.name, inputs) : inputs;
  }
}

/** As the provider names an object that the program gives no name. */
export function autoNamed(name: string, inputs: Record<string, unknown>): Record<string, unknown> {
  return { ...inputs, metadata: { name: `${name}-1a2b3c4d`, ...(inputs["metadata"] as object) } };
}

/** Runs a program against mocks, until every resource that it asks for is registered. */
export async function deploy<T>(
  program: () => T | Promise<T>,
  options: { preview?: boolean } = {},
): Promise<Deployment<T>> {
  const resources: RegisteredResource[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: (args) => {
        resources.push({
          type: args.type,
          name: args.name,
          inputs: plain(args.inputs) as RegisteredResource["inputs"],
        });
        const id = args.type === "gitlab:index/userRunner:UserRunner" ? "4711" : `${args.name}-id`;
        return { id: args.custom === false ? undefined : id, state: answer(args) };
      },
      call: () => ({}),
    },
    "gitlab-runner",
    "test",
    options.preview ?? false,
  );
  const result = await program();
  // Waits for every registration under way.
  await pulumi.runtime.disconnect();
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

const secretSignature = "4dabf18193072939515e22adb298388d";

/** Inputs as the server gets them: without the wrapping that marks secrets. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return secretSignature in value
    ? plain((value as unknown as { value: unknown }).value)
    : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
