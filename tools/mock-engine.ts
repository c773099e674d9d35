import * as pulumi from "@pulumi/pulumi";

/** A resource as a program asks the engine for it. */
export interface MockResource {
  /** Type of the resource, such as `kubernetes:core/v1:Namespace`. */
  readonly type: string;
  /** Name of the resource in Pulumi. */
  readonly name: string;
  /** Id of a resource that already exists, and is only read. */
  readonly id: string | undefined;
  readonly isComponent: boolean;
  /** What the program gives, with the wrapping that marks secrets. */
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** For whom {@link runWithMocks} runs a program, and what servers would answer. */
export interface Mocks {
  /** Name of the project, which its own configuration keys start with. */
  readonly project: string;
  /** Name of the stack. */
  readonly stack: string;
  /** @defaultValue false */
  readonly preview?: boolean;
  /** @returns id and state of a resource once it is made */
  readonly answer: (resource: MockResource) => { readonly id: string | undefined; readonly state: object };
}

/**
 * Runs a program without an engine, until every resource that it asks for is registered: nothing is created, changed or asked
 * for.
 * @returns what the program returns, and the resources in the order in which it asks for them
 * @throws whatever the program throws
 */
export async function runWithMocks<Result>(
  program: () => Result | Promise<Result>,
  { project, stack, preview = false, answer }: Mocks,
): Promise<{ readonly result: Result; readonly resources: readonly MockResource[] }> {
  const resources: MockResource[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, id, custom }) => {
        const resource: MockResource = {
          type,
          name,
          id: id === "" ? undefined : id,
          isComponent: custom === false,
          inputs: inputs as MockResource["inputs"],
        };
        resources.push(resource);
        return answer(resource);
      },
      call: () => ({}),
    },
    project,
    stack,
    preview,
  );
  const result = await program();
  // Waits for every registration under way.
  await pulumi.runtime.disconnect();
  return { result, resources };
}

/**
 * @param suffix stands for the digits that Pulumi adds to a name
 * @returns the inputs with the name that the Kubernetes provider makes up where the program gives none
 * Source: https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/ and
 * https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
 */
export function autoNamed({ type, name, inputs }: MockResource, suffix: string): MockResource["inputs"] {
  const metadata = inputs["metadata"] as object | undefined;
  return !type.startsWith("kubernetes:") || metadata === undefined || "name" in metadata
    ? inputs
    : { ...inputs, metadata: { name: `${name}-${suffix}`, ...metadata } };
}
