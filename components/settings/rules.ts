import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import type * as pulumi from "@pulumi/pulumi";
import { gte } from "semver";
import { ownedValues } from "../chart-values.ts";
import { parseQuantity } from "../quantity.ts";
import { managerSettings } from "./manager.ts";
import { dotted, overlap, type Path } from "./path.ts";
import type { Change, Contradiction, Fix } from "./problems.ts";
import { resourceNames } from "./resources.ts";
import type { RunnerSettings } from "./runner.ts";
import { tolerationKey } from "./tolerations.ts";

/** Settings with keys of their own; a rule on these keys has nothing to say where there is no such object. */
interface Groups {
  readonly registration: NonNullable<RunnerSettings["registration"]>;
  readonly cache: Exclude<RunnerSettings["cache"], false>;
  readonly manager: RunnerSettings["manager"];
  readonly jobs: RunnerSettings["jobs"];
  readonly chart: RunnerSettings["chart"];
}

type TopKey = Exclude<keyof RunnerSettings, keyof Groups>;
type InnerKey = { [Group in keyof Groups]: `${Group}.${keyof Groups[Group] & string}` }[keyof Groups];

/** A setting that a rule reads: `podSecurity`, `jobs.privileged`, or the component's `name`. */
type Key = "name" | "manager" | TopKey | InnerKey;

type ValueOf<K extends Key> = K extends "name"
  ? string
  : K extends "manager"
    ? RunnerSettings["manager"]
    : K extends TopKey
      ? pulumi.Unwrap<RunnerSettings[K]>
      : K extends `${infer Group extends keyof Groups}.${infer Inner}`
        ? Inner extends keyof Groups[Group]
          ? pulumi.Unwrap<Groups[Group][Inner]>
          : never
        : never;

/** Finds contradictions between settings whose values are valid on their own. */
interface Rule {
  readonly keys: readonly Key[];
  readonly find: (...values: never[]) => readonly Contradiction[];
}

/** @returns a rule that reads these settings, and no others */
function rule<const Keys extends readonly Key[]>(
  keys: Keys,
  find: (...values: { -readonly [Index in keyof Keys]: ValueOf<Keys[Index]> }) => readonly Contradiction[],
): Rule {
  return { keys, find: find as unknown as Rule["find"] };
}

/**
 * @param name name of the component
 * @param settings complete settings
 * @param unknown paths of values that are wrong, or known only while Pulumi deploys; rules that read them are left out
 * @returns every contradiction between the other settings
 */
export function findContradictions(
  name: string,
  settings: RunnerSettings,
  unknown: readonly Path[],
): readonly Contradiction[] {
  // With a token, there is no runner to create; a wrong one is a token, too.
  const hasToken = settings.runnerToken !== undefined || unknown.some(([key]) => key === "runnerToken");
  const registration = hasToken ? undefined : settings.registration;
  const values = { ...settings, registration, name } as Readonly<Record<string, unknown>>;
  return rules.flatMap(({ keys, find }) => {
    const paths = keys.map((key) => key.split("."));
    const groups = paths.filter((path) => path.length > 1).map(([group = ""]) => values[group]);
    const isSkipped =
      groups.some((group) => group === undefined || group === false) ||
      paths.some((path) => unknown.some((other) => overlap(path, other)));
    const read = ([key = "", inner]: readonly string[]) =>
      inner === undefined ? values[key] : (values[key] as Record<string, unknown>)[inner];
    return isSkipped ? [] : find(...(paths.map(read) as never[]));
  });
}

function when(isWrong: boolean, path: Path, contradiction: Omit<Contradiction, "path">): Contradiction[] {
  return isWrong ? [{ path, ...contradiction }] : [];
}

function set(path: Path, to: string | number | boolean): Change {
  return { set: path, to };
}

function remove(...path: (string | number)[]): Change {
  return { remove: path };
}

const registrationRules = [
  ...(["project", "group"] as const).flatMap(ownerRules),

  rule(["registration.extraProjects", "registration.runnerType"], (extraProjects, runnerType) =>
    when(extraProjects.length > 0 && runnerType !== "project", ["registration", "extraProjects"], {
      expected: `must not be set for a runner of type ${runnerType}, which serves all its projects anyway`,
      fix: {
        first: remove("registration", "extraProjects"),
        or: set(["registration", "runnerType"], "project"),
      },
    }),
  ),

  rule(["registration.extraProjects", "registration.locked"], (extraProjects, locked) =>
    when(extraProjects.length > 0 && locked, ["registration", "locked"], {
      expected: "must be false with extraProjects: GitLab does not enable a locked runner for other projects (403)",
      fix: { first: set(["registration", "locked"], false), or: remove("registration", "extraProjects") },
    }),
  ),

  rule(["registration.extraProjects", "registration.projectId"], (extraProjects, projectId) =>
    repeated([projectId, ...extraProjects]).map(({ value, index }) => ({
      path: ["registration", "extraProjects", index - 1],
      expected: value === projectId ? "must not name the project that owns the runner" : "must name each project once",
    })),
  ),

  rule(["registration.tags"], (tags) =>
    repeated(tags).map(({ index }) => ({
      path: ["registration", "tags", index],
      expected: "must name each tag once",
    })),
  ),

  rule(["registration.tags", "registration.runUntagged"], (tags, runUntagged) =>
    when(tags.length === 0 && !runUntagged, ["registration", "tags"], {
      expected: "must not be empty without runUntagged: no job would reach the runner, and GitLab refuses it",
      fix: {
        first: set(["registration", "tags", 0], "kubernetes"),
        or: set(["registration", "runUntagged"], true),
      },
    }),
  ),
];

function ownerRules(type: "project" | "group"): Rule[] {
  const key = `${type}Id` as const;
  const path = ["registration", key];
  return [
    rule(["registration.runnerType", `registration.${key}`], (runnerType, id) => [
      ...when(runnerType === type && id === undefined, path, {
        expected: `must be set: a runner of type ${type} needs the id of its ${type}`,
        fix: { first: set(path, 12345678), note: `GitLab shows the id on the ${type}'s page, in its menu` },
      }),
      ...when(runnerType !== type && id !== undefined, path, {
        expected: `must not be set for a runner of type ${runnerType}`,
        fix: { first: remove(...path), or: set(["registration", "runnerType"], type) },
      }),
    ]),
  ];
}

const podRules = [
  // Otherwise each job's pod would be refused, long after `pulumi up`.
  rule(["jobs.privileged", "podSecurity", "linkerd"], (privileged, podSecurity, linkerd) => {
    const level = podSecurity ?? (linkerd ? "privileged" : "baseline, its default");
    return when(privileged && level !== "privileged", ["jobs", "privileged"], {
      expected: `must be false where podSecurity is ${level}: Kubernetes refuses privileged pods there`,
      fix: { first: set(["podSecurity"], "privileged"), or: set(["jobs", "privileged"], false) },
    });
  }),

  rule(["podSecurity", "linkerd"], (podSecurity, linkerd) =>
    when(linkerd && podSecurity === "restricted", ["podSecurity"], {
      expected: "must be privileged or baseline with linkerd, whose init container needs more permissions",
      fix: {
        first: set(["podSecurity"], "privileged"),
        note: "or baseline, where Linkerd's CNI plugin is installed",
      },
    }),
  ),
];

const managerRules = [
  rule(["gitlabUrl"], (gitlabUrl) => {
    const url = new URL(gitlabUrl);
    const isOdd = /\/api\/v\d/.test(url.pathname) || `${url.search}${url.hash}${url.username}${url.password}` !== "";
    const address = `${url.origin}${url.pathname.replace(/\/(api\/v\d.*)?$/, "")}`;
    return when(isOdd, ["gitlabUrl"], {
      expected: "must be GitLab's own address, without /api/v4, query or user name",
      fix: { first: set(["gitlabUrl"], address) },
      secretFix: { first: set(["gitlabUrl"], "https://gitlab.com") },
    });
  }),

  ...(["podMonitor", "alerts", "dashboard"] as const).map((key) =>
    rule([`manager.${key}`, "manager.metrics"], (isSet, metrics) =>
      when(isSet && !metrics, ["manager", key], {
        expected: "must be false where manager.metrics is false: there is nothing to monitor",
        fix: { first: set(["manager", "metrics"], true) },
      }),
    ),
  ),

  rule(["manager.monitoringLabels", "manager.podMonitor", "manager.alerts"], (labels, podMonitor, alerts) =>
    when(Object.keys(labels).length > 0 && !podMonitor && !alerts, ["manager", "monitoringLabels"], {
      expected: "must not be set where manager.podMonitor and manager.alerts are false: there is nothing to label",
      fix: { first: set(["manager", "podMonitor"], true), or: remove("manager", "monitoringLabels") },
    }),
  ),

  rule(["manager.certsSecret", "caCertificate"], (certsSecret, caCertificate) =>
    when(certsSecret !== undefined && caCertificate !== undefined, ["manager", "certsSecret"], {
      expected: "must not be set with caCertificate, which creates its own Secret",
      fix: { first: remove("manager", "certsSecret"), or: remove("caCertificate") },
    }),
  ),

  rule(["caCertificate"], (caCertificate) =>
    when(caCertificate !== undefined && !isCertificate(caCertificate), ["caCertificate"], {
      expected: "must be one or more certificates as PEM, each from -----BEGIN CERTIFICATE----- on",
      found: null,
    }),
  ),
];

const jobRules = [
  rule(["jobs.namespace", "namespace", "name"], (jobNamespace, namespace, name) =>
    when(jobNamespace === (namespace ?? name), ["jobs", "namespace"], {
      expected: "must not be the manager's own namespace, where jobs are anyway while this is not set",
      fix: { first: remove("jobs", "namespace"), or: set(["jobs", "namespace"], "ci-jobs") },
    }),
  ),

  rule(["jobs.podLabels", "name"], (podLabels, name) =>
    when(podLabels["app"] === name, ["jobs", "podLabels", "app"], {
      expected: "must be something else: it tells the manager's pods from others",
    }),
  ),

  rule(["jobs.serviceAccount", "jobs.namespace", "name"], (serviceAccount, namespace, name) =>
    when(serviceAccount === name && namespace === undefined, ["jobs", "serviceAccount"], {
      expected: "must not be the manager's own account, under which every job could read the runner's token",
      fix: {
        first: remove("jobs", "serviceAccount"),
        note: "jobs then get their own account, without permissions",
      },
    }),
  ),

  // The runner keeps tolerations in a table by key and value, and has no place for the rest.
  rule(["jobs.tolerations"], (tolerations) =>
    repeated(tolerations.map(tolerationKey)).map(({ value, index }) => ({
      path: ["jobs", "tolerations", index],
      expected: "must be the only toleration of its key and value: the runner supports one of each",
      fix: {
        first: remove("jobs", "tolerations", index),
        note: "without effect, the other tolerates every effect",
      },
      found: value,
    })),
  ),

  rule(["jobs.tolerations"], (tolerations) =>
    tolerations.flatMap(({ tolerationSeconds }, index) =>
      when(tolerationSeconds !== undefined, ["jobs", "tolerations", index, "tolerationSeconds"], {
        expected: "must not be set: the runner cannot give it to job pods",
      }),
    ),
  ),

  overwriteRule("build", "resources"),
  overwriteRule("helper", "helperResources"),
  overwriteRule("service", "serviceResources"),
];

/** The most that a job may request cannot be less than what it gets without asking. */
function overwriteRule(
  container: "build" | "helper" | "service",
  resources: "resources" | "helperResources" | "serviceResources",
): Rule {
  return rule(["jobs.overwriteMaxAllowed", `jobs.${resources}`], ({ [container]: maximum }, own) =>
    (["requests", "limits"] as const).flatMap((kind) =>
      resourceNames.flatMap((name) => {
        const path = ["jobs", "overwriteMaxAllowed", container, kind, name];
        const source = dotted(["jobs", resources, kind, name]);
        const [most = "", given = ""] = [maximum[kind][name], own[kind][name]];
        return when((parseQuantity(most) ?? Infinity) < (parseQuantity(given) ?? 0), path, {
          expected: "must not be below what every job gets",
          detail: `: ${source} is ${given}`,
          secretDetail: `, ${source}`,
          fix: { first: set(path, given) },
          secretFix: { first: remove(...path) },
        });
      }),
    ),
  );
}

const cacheRules = [
  rule(["cache.credentials", "cache.bucket"], (credentials, bucket) =>
    when(credentials !== undefined && bucket === undefined, ["cache", "bucket"], {
      expected: "must be set with cache.credentials: the bucket exists already",
      fix: { first: set(["cache", "bucket"], "my-cache") },
    }),
  ),

  ...(["expireAfterDays", "quota", "deleteWithStack"] as const).map((key) =>
    rule(["cache.credentials", "cache.adopt", `cache.${key}`], (credentials, adopt, value) => {
      const owner = credentials !== undefined ? "cache.credentials" : adopt ? "cache.adopt" : undefined;
      return when(owner !== undefined && value !== undefined, ["cache", key], {
        expected: `must not be set with ${owner ?? ""}: this stack does not own the bucket`,
      });
    }),
  ),

  rule(["cache.credentials", "cache.adopt"], (credentials, adopt) =>
    when(credentials !== undefined && adopt, ["cache", "adopt"], {
      expected: "must not be set with cache.credentials: this stack does not own the bucket",
    }),
  ),

  rule(["cache.server"], (server) => {
    const [, host = "", port = "9000"] = /^(.*?)(?::(\d+))?$/.exec(server) ?? [];
    const isHost = URL.canParse(`http://${host}/`) && !/^[.-]|\.\./.test(host);
    const isPort = Number(port) >= 1 && Number(port) <= 65_535;
    const fixFor = (name: string): Fix => ({ first: set(["cache", "server"], `${name}:9000`) });
    return when(!isHost || !isPort, ["cache", "server"], {
      expected: isHost ? "must have a port from 1 to 65535" : "must have the name or address of a host",
      fix: fixFor(isHost ? host : "minio.minio.svc.cluster.local"),
      secretFix: fixFor("minio.minio.svc.cluster.local"),
    });
  }),
];

const chartRules = [
  rule(["chart.path", "chart.repository"], (path, repository) =>
    when(path !== undefined && repository !== undefined, ["chart", "repository"], {
      expected: "must not be set with chart.path, which is installed instead",
      fix: { first: remove("chart", "repository"), or: remove("chart", "path") },
    }),
  ),

  rule(["chart.path"], (path) =>
    when(path !== undefined && !existsSync(path), ["chart", "path"], {
      expected: "must be a file or folder that exists; a relative path starts beside Pulumi.yaml",
      fix: {
        first: { run: "helm pull gitlab-runner --repo https://charts.gitlab.io --version 0.86.0" },
        then: set(["chart", "path"], "gitlab-runner-0.86.0.tgz"),
      },
    }),
  ),

  rule(["chart.path", "chart.version", "manager.podMonitor"], (path, version, podMonitor) => {
    // Chart 0.65.0 has runner 17.0, the first that leaves an expiring token alone when it is told to:
    // https://docs.gitlab.com/runner/configuration/feature-flags/ (FF_DISABLE_AUTOMATIC_TOKEN_ROTATION). The other:
    // https://gitlab.com/gitlab-org/charts/gitlab-runner/-/blob/main/CHANGELOG.md (v0.85.0)
    const [oldest, reason] = podMonitor
      ? ["0.85.0", "that knows manager.podMonitor"]
      : ["0.65.0", "whose runner leaves the rotation of its token to this stack"];
    return when(path === undefined && !gte(version, oldest), ["chart", "version"], {
      expected: `must be at least ${oldest}, the first ${reason}`,
      fix: { first: set(["chart", "version"], "0.86.0") },
    });
  }),

  rule(["chart.values", "manager"], (values, manager) =>
    ownedValues(values, manager).map((path) => ({
      path: ["chart", "values", ...path],
      expected: `must not be set: ${reasonOf(String(path[0]))}`,
      found: null,
    })),
  ),
];

/** Why only this program may set a value of the chart, by its key. */
function reasonOf(key: string): string {
  if (["envVars", "extraEnv", "extraEnvFrom"].includes(key)) {
    return "the runner reads this variable as a setting, and this program manages those";
  }
  const source = sourceOfValue[key] ?? (key in managerSettings.shape ? `manager.${key}` : undefined);
  return `this program sets it${source === undefined ? "" : `, from ${source}`}`;
}

/** Settings that the chart's values come from, where their names differ. */
const sourceOfValue: Readonly<Record<string, string>> = {
  gitlabUrl: "gitlabUrl",
  terminationGracePeriodSeconds: "manager.shutdownTimeout",
  certsSecretName: "manager.certsSecret",
  runners: "jobs and cache",
};

const rules: readonly Rule[] = [
  ...registrationRules,
  ...podRules,
  ...managerRules,
  ...jobRules,
  ...cacheRules,
  ...chartRules,
];

/** @returns what repeats another, the last first, so that each can be taken out without moving the others */
function repeated<T>(values: readonly T[]): { value: T; index: number }[] {
  return values
    .map((value, index) => ({ value, index }))
    .filter(({ value, index }) => values.indexOf(value) !== index)
    .toReversed();
}

function isCertificate(pem: string): boolean {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
  try {
    return certificates.map((certificate) => new X509Certificate(certificate)).length > 0;
  } catch {
    return false;
  }
}
