import type { StackResource, StackState } from "./stack-state.ts";

/** One or more resources, drawn as a box. */
export interface Box {
  /** Unique in the picture. */
  readonly id: string;
  /** Package of the provider, such as `kubernetes`. */
  readonly provider: string;
  /** Such as `ServiceAccount`. */
  readonly kind: string;
  /**
   * Names, without what the component's name says already; none for its own name, several where resources differ in
   * nothing else.
   */
  readonly names: readonly string[];
  /** Already exists, and is only read. */
  readonly isExternal: boolean;
}

/** A component, drawn around its parts. */
export interface Frame {
  /** Unique in the picture. */
  readonly id: string;
  /** Such as `BuildCache`. */
  readonly kind: string;
  /** Name of the component. */
  readonly name: string;
  readonly boxes: readonly Box[];
  readonly frames: readonly Frame[];
}

/** A dependency: an arrow from the source to what takes its value. */
export interface Arrow {
  /** Id of a box. */
  readonly from: string;
  /** Ids of one or more boxes; all in {@link frame} where they are several. */
  readonly to: readonly string[];
  /** Id of the frame that it leads to, where it leads to several boxes in it. */
  readonly frame: string | undefined;
  /** What takes the value: an argument of the component if the arrow comes from outside, otherwise a property; empty for order only. */
  readonly properties: readonly string[];
}

/** What to draw: only the kinds, names and dependencies of a state. */
export interface Picture {
  /** Name of the project. */
  readonly project: string;
  /** Resources outside of any component, and the outermost components. */
  readonly boxes: readonly Box[];
  readonly frames: readonly Frame[];
  readonly arrows: readonly Arrow[];
}

/** From this number on, resources that differ only in their names share one box. */
const alikeLimit = 3;
/** Lines of names in a box. */
const namesLimit = 4;

/** @returns the picture of a stack, which depends on nothing but kinds, names and dependencies */
export function pictureOf({ project, resources }: StackState): Picture {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const boxOf = boxesByUrn(resources, byUrn);
  const partsOf = (component: string | undefined): Pick<Frame, "boxes" | "frames"> => {
    const parts = resources.filter((resource) => resource.component === component);
    return {
      boxes: [...new Set(parts.flatMap(({ urn }) => boxOf.get(urn) ?? []))],
      frames: parts
        .filter(({ isComponent }) => isComponent)
        .map(({ urn, type, name }) => ({ id: urn, kind: kindOf(type), name, ...partsOf(urn) })),
    };
  };
  return { project, ...partsOf(undefined), arrows: arrows(resources, byUrn, boxOf) };
}

type ByUrn = ReadonlyMap<string, StackResource>;

/** The box of each resource; resources of a component that differ in nothing but their names share one. */
function boxesByUrn(resources: readonly StackResource[], byUrn: ByUrn): Map<string, Box> {
  const single = resources.filter(({ isComponent }) => !isComponent);
  const used = new Set(single.flatMap(({ sources }) => [...sources.keys()]));
  const likeness = ({ urn, type, component, isExternal, sources }: StackResource) =>
    JSON.stringify(used.has(urn) ? urn : [component, type, isExternal, ...sources]);
  const groups = Array.from(Map.groupBy(single, likeness).values()).flatMap((alike) =>
    alike.length < alikeLimit ? alike.map((one) => [one]) : [alike],
  );
  return new Map(
    groups.flatMap((group) => {
      const box = boxFor(group, byUrn);
      return group.map(({ urn }) => [urn, box] as const);
    }),
  );
}

function boxFor(group: readonly StackResource[], byUrn: ByUrn): Box {
  const [{ urn, type, isExternal } = { urn: "", type: "", isExternal: false }] = group;
  return {
    id: urn,
    provider: type.split(":")[0] ?? "",
    kind: kindOf(type),
    names: someOf(group.map(({ name, component }) => shortName(name, byUrn.get(component ?? "")?.name))),
    isExternal,
  };
}

function someOf(names: readonly string[]): string[] {
  const shown = names.length > namesLimit ? names.slice(0, namesLimit - 1) : names;
  const rest = names.length - shown.length;
  return [...shown.filter((name) => name !== ""), ...(rest === 0 ? [] : [`and ${rest} more`])];
}

/** The last part of a type: `RoleBinding` of `kubernetes:rbac.authorization.k8s.io/v1:RoleBinding`. */
function kindOf(type: string): string {
  return type.split(":").at(-1) ?? type;
}

/** Parts are named after their component: `token` for `gitlab-runner-credentials-token`, and nothing for its own name. */
function shortName(name: string, component: string | undefined): string {
  return component !== undefined && `${name}-`.startsWith(`${component}-`) ? name.slice(component.length + 1) : name;
}

interface Dependency {
  readonly from: string;
  readonly to: StackResource;
  readonly properties: readonly string[];
}

function arrows(resources: readonly StackResource[], byUrn: ByUrn, boxOf: ReadonlyMap<string, Box>): Arrow[] {
  const ancestors = allSources(byUrn);
  const drawn = resources
    .filter(({ urn }) => boxOf.has(urn))
    .flatMap((to) => nearest(dependencies(to, byUrn, boxOf), ancestors));
  // Towards several parts of a component that take the same, one arrow to the component is enough.
  const target = ({ from, to }: Dependency) =>
    byUrn.get(from)?.component === to.component ? boxOf.get(to.urn)?.id : to.component;
  const groups = Map.groupBy(drawn, (one) => JSON.stringify([one.from, target(one), one.properties]));
  return Array.from(groups.values(), (group) => {
    const to = [...new Set(group.flatMap((one) => boxOf.get(one.to.urn)?.id ?? []))];
    const [first] = group;
    return {
      from: boxOf.get(first?.from ?? "")?.id ?? "",
      to,
      frame: to.length > 1 ? first?.to.component : undefined,
      properties: first?.properties ?? [],
    };
  });
}

/** What a resource depends on, by what takes the value. */
function dependencies(to: StackResource, byUrn: ByUrn, boxOf: ReadonlyMap<string, Box>): Dependency[] {
  return Array.from(to.sources)
    .filter(([from]) => boxOf.has(from))
    .map(([from, properties]) => {
      // What comes from outside is an argument of the component, whose name says more than `values` or `metadata`.
      const isInside = byUrn.get(from)?.component === to.component;
      const args = isInside ? [] : (byUrn.get(to.component ?? "")?.sources.get(from) ?? []);
      return { from, to, properties: args.length > 0 ? args : properties };
    });
}

/** Omits what a property uses only through another resource: the last link of a chain is enough. */
function nearest(all: readonly Dependency[], ancestors: ReadonlyMap<string, ReadonlySet<string>>): Dependency[] {
  const isBefore = (from: string, other: string) => ancestors.get(other)?.has(from) === true;
  return all.flatMap((one) => {
    const rivals = (property: string) => all.filter(({ properties }) => properties.includes(property));
    const kept = one.properties.filter((property) => !rivals(property).some(({ from }) => isBefore(one.from, from)));
    const isOrder = one.properties.length === 0 && !all.some(({ from }) => isBefore(one.from, from));
    return kept.length > 0 || isOrder ? [{ ...one, properties: kept }] : [];
  });
}

/** Everything that each resource depends on, however indirectly. */
function allSources(byUrn: ByUrn): Map<string, ReadonlySet<string>> {
  const found = new Map<string, ReadonlySet<string>>();
  const visit = (urn: string): ReadonlySet<string> => {
    const known = found.get(urn);
    if (known !== undefined) {
      return known;
    }
    // A state has no circles; this keeps a broken one from going round.
    found.set(urn, new Set());
    const direct = [...(byUrn.get(urn)?.sources.keys() ?? [])];
    const all = new Set(direct.flatMap((source) => [source, ...visit(source)]));
    found.set(urn, all);
    return all;
  };
  for (const urn of byUrn.keys()) {
    visit(urn);
  }
  return found;
}
