import { isDeepStrictEqual } from "node:util";
import { formatQuantity, parseQuantity } from "../../quantity.ts";
import { jobSettings } from "../jobs.ts";
import { dotted, type Path } from "../path.ts";
import type { Contradiction } from "../problems.ts";
import { containerDefaults, resourceNames, type ContainerResources } from "../resources.ts";
import { remove, rule, set, when, type Rule } from "./rule.ts";

/** What runs in the namespace that has the quota. Services and Linkerd's proxies come on top: nobody knows how many, or how large. */
interface Pods {
  readonly quota: Readonly<Record<string, string>>;
  readonly build: ContainerResources;
  readonly helper: ContainerResources;
  readonly service: ContainerResources;
  /** Undefined where the jobs have a namespace of their own. */
  readonly manager: ContainerResources | undefined;
  readonly concurrent: number;
  readonly replicas: number;
}

type ResourceName = (typeof resourceNames)[number];
type Kind = keyof ContainerResources;

/**
 * Contradictions with the quota: pods that Kubernetes would refuse, long after `pulumi up`. The runner does not wait for room:
 * it fails the job.
 * Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/
 */
export const capacityRules: readonly Rule[] = [helperAboveDefault, aboveDefault, missing, notEnough].map((find) =>
  rule(
    [
      ...(["quota", "jobs.resources", "jobs.helperResources", "jobs.serviceResources", "jobs.namespace"] as const),
      ...(["jobs.podSpec", "manager.resources", "manager.concurrent", "manager.replicas"] as const),
    ],
    (quota = {}, build, helper, service, jobNamespace, podSpec, manager, concurrent, replicas) =>
      // Whoever patches the containers may have changed their resources.
      Object.keys(quota).length === 0 || /containers|resources/i.test(JSON.stringify(podSpec))
        ? []
        : find({
            ...{ quota, build, helper, service, concurrent, replicas },
            manager: jobNamespace === undefined ? manager : undefined,
          }),
  ),
);

/**
 * What Kubernetes takes for a container's amount, by its own resources and the defaults of the LimitRange.
 * Source: https://kubernetes.io/docs/concepts/policy/limit-range/
 */
function amountOf({ requests, limits }: ContainerResources, kind: Kind, name: ResourceName, { helper, build }: Pods) {
  const defaults = containerDefaults(build, helper);
  return kind === "limits"
    ? (limits[name] ?? defaults.limits[name])
    : (requests[name] ?? limits[name] ?? defaults.requests[name] ?? defaults.limits[name]);
}

function isAbove(request: string | undefined, limit: string | undefined): boolean {
  return (parseQuantity(request ?? "") ?? 0) > (parseQuantity(limit ?? "") ?? Infinity);
}

/** Kubernetes refuses a LimitRange whose default request is above its default limit. */
function helperAboveDefault({ helper, build }: Pods): Contradiction[] {
  // Where the helper has its defaults, a command that sets one of them would remove the others.
  const isDefault = isDeepStrictEqual(helper, jobSettings.parse({}).helperResources);
  return resourceNames.flatMap((name) => {
    const path = ["jobs", "helperResources", "requests", name];
    const limitPath = ["jobs", "resources", "limits", name];
    const [request = "", limit = ""] = [helper.requests[name], build.limits[name]];
    const raise = set(limitPath, request);
    return when(isAbove(request, limit), path, {
      ...aboveLimit(limitPath, limit),
      fix: isDefault ? { first: raise } : { first: set(path, limit), or: raise },
      secretFix: { first: remove(...(isDefault ? limitPath : path)) },
    });
  });
}

/** Kubernetes refuses a pod of which a container requests more than the limit that it gets. */
function aboveDefault({ service, manager, build }: Pods): Contradiction[] {
  return [
    { own: service, place: ["jobs", "serviceResources"] },
    { own: manager, place: ["manager", "resources"] },
  ].flatMap(({ own, place }) =>
    resourceNames.flatMap((name) => {
      const [request = "", limit = ""] = [own?.requests[name], build.limits[name]];
      const path = [...place, "requests", name];
      return when(own?.limits[name] === undefined && isAbove(request, limit), path, {
        ...aboveLimit(["jobs", "resources", "limits", name], limit),
        fix: { first: set([...place, "limits", name], request), or: set(path, limit) },
        secretFix: { first: remove(...path) },
      });
    }),
  );
}

function aboveLimit(path: Path, limit: string) {
  return {
    expected: "must not be above the limit that a container without one gets where there is a quota",
    detail: `: ${dotted(path)} is ${limit}`,
    secretDetail: `, ${dotted(path)}`,
  };
}

/** A quota of CPU or memory refuses pods of which a container has none; one of disk space counts only containers that have it. */
function missing(pods: Pods): Contradiction[] {
  const { build, helper, service, manager } = pods;
  const usual = jobSettings.parse({});
  return computeKeys(pods).flatMap(({ key, kind, name }) => {
    const lacks = (own: ContainerResources | undefined) => own && amountOf(own, kind, name, pods) === undefined;
    const drop = remove("quota", key);
    if (name === "ephemeral-storage") {
      return when(lacks(build) === true, ["quota", key], {
        expected: "must not be set while jobs.resources has none: Kubernetes counts only containers that have it",
        fix: { first: drop, note: "or set it in jobs.resources, which is replaced as a whole" },
      });
    }
    // One of the LimitRange's two defaults, which all containers without get.
    const path = ["jobs", kind === "limits" ? "resources" : "helperResources", kind, name];
    const amounts = [build, helper, service, manager].map((own) => own?.requests[name]);
    const amount = largest(
      kind === "limits"
        ? [usual.resources.limits[name], ...amounts]
        : [helper.limits[name] ?? usual.helperResources.requests[name]],
    );
    return when([build, helper, service, manager].some(lacks), path, {
      expected: `must be set with ${dotted(["quota", key])}: Kubernetes refuses pods of which a container has none`,
      fix: { first: set(path, amount), or: drop },
      secretFix: { first: drop },
    });
  });
}

/** The quota must have room for as many jobs as the managers start, with the managers where they are in the same namespace. */
function notEnough(pods: Pods): Contradiction[] {
  const { quota, build, helper, manager, concurrent, replicas } = pods;
  const counts = ["pods", "count/pods"].filter((key) => key in quota).map((key) => ({ key, job: 1, own: 1 }));
  const amounts = computeKeys(pods).map(({ key, kind, name }) => {
    const amount = (own: ContainerResources) => parseQuantity(amountOf(own, kind, name, pods) ?? "") ?? 0;
    return { key, job: amount(build) + amount(helper), own: manager === undefined ? 0 : amount(manager) };
  });
  return [...counts, ...amounts].flatMap(({ key, job, own }) => {
    const isCount = key.endsWith("pods");
    const managers = manager === undefined ? 0 : replicas * own;
    const needed = formatQuantity(concurrent * replicas * job + managers);
    const room = parseQuantity(quota[key] ?? "") ?? 0;
    const fitting = Math.floor((room - managers) / replicas / job);
    const each = (count: number, what: string, amount: number) => {
      const size = isCount ? "" : ` of ${formatQuantity(amount)}`;
      return count === 1 ? `1 ${what}${size}` : `${count} ${what}s${size}${isCount ? "" : " each"}`;
    };
    const sum = [each(concurrent * replicas, "job", job), ...(managers === 0 ? [] : [each(replicas, "manager", own)])];
    return when((parseQuantity(needed) ?? 0) > room, ["quota", key], {
      expected: "must be enough for all jobs that run at the same time",
      detail: `, at least ${needed}: ${sum.join(" and ")}`,
      fix: {
        first: set(["quota", key], needed),
        ...(fitting < 1 ? {} : { or: set(["manager", "concurrent"], fitting) }),
      },
      secretFix: { first: remove("quota", key) },
    });
  });
}

/** @returns the quota's keys that count the resources of containers; `cpu` is the same as `requests.cpu` */
function computeKeys({ quota }: Pods): { key: string; kind: Kind; name: ResourceName }[] {
  return resourceNames.flatMap((name) =>
    [
      { key: name, kind: "requests" as const, name },
      { key: `requests.${name}`, kind: "requests" as const, name },
      { key: `limits.${name}`, kind: "limits" as const, name },
    ].filter(({ key }) => key in quota),
  );
}

function largest(quantities: readonly (string | undefined)[]): string {
  const [most = ""] = quantities.toSorted(
    (one, other) => (parseQuantity(other ?? "") ?? 0) - (parseQuantity(one ?? "") ?? 0),
  );
  return most;
}
