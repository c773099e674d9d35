import { remove, rule, set, when, type Rule } from "./rule.ts";

/** Contradictions between keys of one destination. */
export const networkRules: readonly Rule[] = (["gitlab", "cache", "apiServer", "manager", "jobs"] as const).map((key) =>
  rule([`networkPolicy.${key}`], (destinations = []) =>
    destinations.flatMap((destination, index) => {
      const path = ["networkPolicy", key, index];
      const { cidr, namespace } = typeof destination === "string" ? { cidr: destination } : destination;
      return [
        ...when(cidr === undefined && namespace === undefined, path, {
          expected: "must have either cidr or namespace",
          fix: { first: set([...path, "cidr"], "10.0.0.0/8"), or: set([...path, "namespace"], "gitlab") },
        }),
        ...when(cidr !== undefined && namespace !== undefined, [...path, "cidr"], {
          expected: "must not be set with namespace: a destination is one or the other",
          fix: { first: remove(...path, "cidr"), or: remove(...path, "namespace") },
        }),
      ];
    }),
  ),
);
