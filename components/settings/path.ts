/** Where a value is: `["jobs", "tolerations", 0]`. */
export type Path = readonly (string | number)[];

/** @returns a path as people and `pulumi config --path` write it: `jobs.nodeSelector["kubernetes.io/arch"]`, `tags[0]` */
export function dotted(path: Path): string {
  return path
    .map((part, index) =>
      typeof part === "number"
        ? `[${part}]`
        : /^[\w-]+$/.test(part)
          ? `${index === 0 ? "" : "."}${part}`
          : `["${part.replaceAll('"', '\\"')}"]`,
    )
    .join("");
}

/** @returns what values have at a path */
export function valueAt(values: object, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) => (value as Record<string | number, unknown> | null | undefined)?.[part],
    values,
  );
}

/** @returns a copy with another value at a path, or without any where it is undefined; what is on the way stays what it is */
export function withValue<T extends object>(values: T, [part = "", ...rest]: Path, value: unknown): T {
  const inner = (values as Record<string | number, unknown>)[part];
  const copy = (Array.isArray(values) ? [...(values as unknown[])] : { ...values }) as Record<string | number, unknown>;
  if (rest.length > 0) {
    return (
      typeof inner === "object" && inner !== null
        ? Object.assign(copy, { [part]: withValue(inner, rest, value) })
        : copy
    ) as T;
  }
  if (value === undefined) {
    Reflect.deleteProperty(copy, part);
  } else {
    copy[part] = value;
  }
  return copy as T;
}

/** @returns a copy without what is at some paths, of which there may be thousands */
export function without<T extends object>(values: T, paths: readonly Path[]): T {
  const copy = (Array.isArray(values) ? [...(values as unknown[])] : { ...values }) as Record<string | number, unknown>;
  for (const [part = "", leading] of Map.groupBy(paths, ([first]) => first)) {
    const inner = copy[part];
    if (leading.some((path) => path.length === 1)) {
      Reflect.deleteProperty(copy, part);
    } else if (typeof inner === "object" && inner !== null) {
      copy[part] = without(
        inner,
        leading.map((path) => path.slice(1)),
      );
    }
  }
  return copy as T;
}

/** Whether one of two paths leads to the other's value, or both are the same. */
export function overlap(one: Path, other: Path): boolean {
  const length = Math.min(one.length, other.length);
  return one.slice(0, length).every((part, index) => part === other[index]);
}
