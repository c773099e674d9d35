import { z } from "zod";
import { UserError } from "../user-error.ts";

/**
 * A resource in the state, without its values and ids: what is not read cannot get into the picture.
 * Source: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/deployments.json
 */
const resourceSchema = z.object({
  urn: z.string().regex(/^urn:pulumi:[^:]+::/),
  type: z.string(),
  /** A provider manages it, unlike a component. */
  custom: z.boolean().default(false),
  /** Already replaced by another one with its URN, and about to be deleted. */
  delete: z.boolean().default(false),
  /** Already exists, and is only read. */
  external: z.boolean().default(false),
  parent: z.string().optional(),
  dependencies: z.array(z.string()).nullish(),
  propertyDependencies: z.record(z.string(), z.array(z.string()).nullable()).nullish(),
});

const stateSchema = z.object({
  deployment: z.object({ resources: z.array(resourceSchema).nullish() }).nullable(),
});

/** A resource of a stack. */
export interface StackResource {
  /** Unique. */
  readonly urn: string;
  /** Such as `kubernetes:core/v1:Namespace`. */
  readonly type: string;
  /** Name of the resource in Pulumi. */
  readonly name: string;
  /** URN of the component that it is part of, if any. */
  readonly component: string | undefined;
  /** It has parts instead of a provider. */
  readonly isComponent: boolean;
  /** Already exists, and is only read. */
  readonly isExternal: boolean;
  /** URNs of the resources that its properties take values of, with these properties; none for order alone. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
}

/** A stack, as its state tells it. */
export interface StackState {
  /** Name of its project. */
  readonly project: string;
  /** Its resources, without providers and the stack itself, always in the same order. */
  readonly resources: readonly StackResource[];
}

/**
 * Reads what `pulumi stack export` writes.
 * @param origin where it comes from, for messages
 * @throws UserError when it is something else, or has no resources
 */
export function readState(text: string, origin: string): StackState {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw notState(origin, "it is not JSON");
  }
  const parsed = stateSchema.safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw notState(origin, `${issue?.path.join(".") || "it"}: ${issue?.message ?? ""}`);
  }
  const resources = (parsed.data.deployment?.resources ?? [])
    .filter((resource) => !resource.delete && !/^pulumi:(pulumi|providers):/.test(resource.type))
    // The engine lists them as they were ready, which differs from one deployment to the next.
    .toSorted((a, b) => (a.urn < b.urn ? -1 : 1));
  const [first] = resources;
  if (first === undefined) {
    throw new UserError(
      `${origin} has no resources: nothing is deployed, so there is nothing to draw. Deploy: pulumi up`,
    );
  }
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  return {
    project: partsOf(first.urn).project,
    resources: resources.map((resource) => stackResource(resource, byUrn)),
  };
}

function notState(origin: string, reason: string): UserError {
  return new UserError(
    `${origin} is not an exported stack: ${reason}.\nTo export one: pulumi stack export --stack NAME --file FILE`,
  );
}

type Resource = z.output<typeof resourceSchema>;

function stackResource(resource: Resource, byUrn: ReadonlyMap<string, Resource>): StackResource {
  const byProperty = Object.entries(resource.propertyDependencies ?? {}).flatMap(([property, sources]) =>
    (sources ?? []).map((source) => ({ source, property })),
  );
  const properties = Map.groupBy(byProperty, ({ source }) => source);
  const sources = new Set([...properties.keys(), ...(resource.dependencies ?? [])]);
  return {
    urn: resource.urn,
    type: resource.type,
    name: partsOf(resource.urn).name,
    component: componentOf(resource, byUrn)?.urn,
    isComponent: !resource.custom,
    isExternal: resource.external,
    sources: new Map(
      Array.from(sources)
        .toSorted()
        .map((source) => [source, (properties.get(source) ?? []).map(({ property }) => property).toSorted()]),
    ),
  };
}

/** The parent of a resource may be a resource itself. */
function componentOf({ parent }: Resource, byUrn: ReadonlyMap<string, Resource>): Resource | undefined {
  const found = byUrn.get(parent ?? "");
  return found?.custom === true ? componentOf(found, byUrn) : found;
}

/** `urn:pulumi:STACK::PROJECT::TYPES::NAME`; a name may have `::` in it. */
function partsOf(urn: string): { project: string; name: string } {
  const [, project = "", , ...name] = urn.split("::");
  return { project, name: name.join("::") };
}
