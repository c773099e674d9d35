import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { gte } from "semver";
import { chartValues, ownedValues } from "../chart-values.ts";
import { dotted, removeCommand, setCommand, type Path } from "./commands.ts";
import { valueAt, type RawConfig } from "./lookup.ts";
import { describeValue, hidden, type Problem } from "./problems.ts";
import { registrationKeys, stackConfig, type StackConfig } from "./schema.ts";
import { tolerationKey } from "../config-toml.ts";
import { parseQuantity } from "../quantity.ts";
import { managerSettings, type CacheSettings } from "../settings.ts";

/** Keys that contradict each other. */
interface Contradiction {
  /** The one to change. */
  readonly path: Path;
  /** What would be right. */
  readonly expected: string;
  /** @defaultValue the command that takes the key away */
  readonly fix?: string;
  /** What to show as its value, if anything. @defaultValue its value */
  readonly found?: unknown;
}

/** Finds contradictions between keys, whose values are right each for itself. */
type Rule = (config: StackConfig, isSecret: RawConfig["isSecret"]) => Contradiction[];
type CacheRule = (cache: CacheSettings, isSecret: RawConfig["isSecret"]) => Contradiction[];

/**
 * @param doubtful keys of the first two levels that have a default in place of a value that is wrong
 * @returns every contradiction between the other keys
 */
export function findContradictions(config: StackConfig, { isSecret }: RawConfig, doubtful: readonly Path[]): Problem[] {
  const contradictions = rules.flatMap((rule) => {
    const seen = new Set<string>();
    const found = rule(watched(config, seen), isSecret);
    return doubtful.some((path) => seen.has(path.join("."))) ? [] : found;
  });
  return contradictions.map((contradiction) => {
    const { path, expected, fix = removeCommand(path) } = contradiction;
    const found = "found" in contradiction ? contradiction.found : valueAt(config, path);
    const isHidden = found !== undefined && isSecret(String(path[0]));
    return { key: dotted(path), found: isHidden ? hidden : describeValue(found), expected, fix };
  });
}

/** @returns the same configuration, which adds each key that a rule looks at, such as `jobs` and `jobs.image`, to `seen` */
function watched<T extends object>(config: T, seen: Set<string>, prefix = ""): T {
  return new Proxy(config, {
    get: (target, key): unknown => {
      const value: unknown = Reflect.get(target, key);
      const path = `${prefix}${String(key)}`;
      seen.add(path);
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
      return prefix === "" && isObject ? watched(value, seen, `${path}.`) : value;
    },
  });
}

function when(isWrong: boolean, path: Path, contradiction: Omit<Contradiction, "path">): Contradiction[] {
  return isWrong ? [{ path, ...contradiction }] : [];
}

const newRunnerRules: readonly Rule[] = [
  ...(["project", "group"] as const).flatMap(ownerRules),

  ({ extraProjects, runnerType }) =>
    when(extraProjects.length > 0 && runnerType !== "project", ["extraProjects"], {
      expected: `must not be set for a runner of type ${runnerType}, which serves all its projects anyway`,
      fix: "pulumi config rm extraProjects    (or: pulumi config set runnerType project)",
    }),

  ({ extraProjects, locked }) =>
    when(extraProjects.length > 0 && locked, ["locked"], {
      expected: "must be false with extraProjects: GitLab does not enable a locked runner for further projects (403)",
      fix: "pulumi config set locked false    (or: pulumi config rm extraProjects)",
    }),

  ({ extraProjects, projectId }) =>
    repeated([projectId, ...extraProjects]).map(({ value, index }) => ({
      path: ["extraProjects", index - 1],
      expected: value === projectId ? "must not name the project that owns the runner" : "must name each project once",
    })),

  ({ tags }) => repeated(tags).map(({ index }) => ({ path: ["tags", index], expected: "must name each tag once" })),

  ({ tags, runUntagged }) =>
    when(tags.length === 0 && !runUntagged, ["tags"], {
      expected: "must not be empty without runUntagged: no job would reach the runner, and GitLab refuses it",
      fix: "pulumi config set --path 'tags[0]' kubernetes    (or: pulumi config set runUntagged true)",
    }),
];

function ownerRules(type: "project" | "group"): Rule[] {
  const key = `${type}Id` as const;
  return [
    ({ runnerType, [key]: id }) =>
      when(runnerType === type && id === undefined, [key], {
        expected: `must be set: a runner of type ${type} needs the id of its ${type}`,
        fix: `pulumi config set ${key} 12345678    (GitLab shows the id on the ${type}'s page, in its menu)`,
      }),
    ({ runnerType, [key]: id }) =>
      when(runnerType !== type && id !== undefined, [key], {
        expected: `must not be set for a runner of type ${runnerType}`,
        fix: `pulumi config rm ${key}    (or: pulumi config set runnerType ${type})`,
      }),
  ];
}

const defaults = stackConfig.parse({});

const existingRunnerRules: readonly Rule[] = [
  (_, isSecret) =>
    when(!isSecret("runnerToken"), ["runnerToken"], {
      expected: "must be encrypted, but is plain text in the stack's file",
      fix: "pulumi config set --secret runnerToken    (asks for it; reset the token in GitLab first, as it was in the open)",
      found: undefined,
    }),

  ...registrationKeys.map(gitlabSettingRule),
];

function gitlabSettingRule(key: (typeof registrationKeys)[number]): Rule {
  return ({ [key]: value }) =>
    when(!isDeepStrictEqual(value, defaults[key]), [key], {
      expected: "must not be set with runnerToken: the settings of a runner that exists are GitLab's",
      fix: `pulumi config rm ${key}    (or, to create a runner: pulumi config rm runnerToken)`,
    });
}

const podRules: readonly Rule[] = [
  // Pods that a namespace refuses would be missing one by one, long after `pulumi up`.
  ({ jobs, podSecurity, linkerd }) => {
    const level = podSecurity ?? (linkerd ? "privileged" : "baseline, its default");
    return when(jobs.privileged && level !== "privileged", ["jobs", "privileged"], {
      expected: `must be false where podSecurity is ${level}: Kubernetes refuses privileged pods there`,
      fix: "pulumi config set podSecurity privileged    (or: pulumi config set --path jobs.privileged false)",
    });
  },

  ({ podSecurity, linkerd }) =>
    when(linkerd && podSecurity === "restricted", ["podSecurity"], {
      expected: "must be privileged or baseline with linkerd, whose init container needs more rights",
      fix: "pulumi config set podSecurity privileged    (or baseline, where Linkerd's CNI plugin is installed)",
    }),
];

const managerRules: readonly Rule[] = [
  ({ gitlabUrl }, isSecret) => {
    const url = new URL(gitlabUrl);
    const isOdd = /\/api\/v\d/.test(url.pathname) || `${url.search}${url.hash}${url.username}${url.password}` !== "";
    const address = `${url.origin}${url.pathname.replace(/\/(api\/v\d.*)?$/, "")}`;
    return when(isOdd, ["gitlabUrl"], {
      expected: "must be GitLab's own address, without /api/v4, query or user name",
      fix: `pulumi config set gitlabUrl ${isSecret("gitlabUrl") ? "https://gitlab.com" : address}`,
    });
  },

  ...(["podMonitor", "alerts", "dashboard"] as const).map(metricsRule),

  ({ manager: { monitoringLabels, podMonitor, alerts } }) =>
    when(Object.keys(monitoringLabels).length > 0 && !podMonitor && !alerts, ["manager", "monitoringLabels"], {
      expected: "must not be set where manager.podMonitor and manager.alerts are false: there is nothing to label",
      fix: "pulumi config set --path manager.podMonitor true    (or: pulumi config rm --path manager.monitoringLabels)",
    }),

  ({ manager, caCertificate }) =>
    when(manager.certsSecret !== undefined && caCertificate !== undefined, ["manager", "certsSecret"], {
      expected: "must not be set with caCertificate, which makes a Secret of its own",
      fix: "pulumi config rm --path manager.certsSecret    (or: pulumi config rm caCertificate)",
    }),

  ({ caCertificate }) =>
    when(caCertificate !== undefined && !isCertificate(caCertificate), ["caCertificate"], {
      expected: "must be one or more certificates as PEM, each from -----BEGIN CERTIFICATE----- on",
      fix: 'pulumi config set caCertificate -- "$(cat ca.pem)"',
      found: undefined,
    }),
];

function metricsRule(key: "podMonitor" | "alerts" | "dashboard"): Rule {
  return ({ manager }) =>
    when(manager[key] && !manager.metrics, ["manager", key], {
      expected: "must be false where manager.metrics is false: there is nothing to monitor",
      fix: "pulumi config set --path manager.metrics true",
    });
}

const jobRules: readonly Rule[] = [
  ({ jobs, namespace }) =>
    when(jobs.namespace === namespace, ["jobs", "namespace"], {
      expected: "must not be the manager's own namespace, where jobs are anyway while this is not set",
      fix: "pulumi config rm --path jobs.namespace    (or: pulumi config set --path jobs.namespace ci-jobs)",
    }),

  ({ jobs }) =>
    when(jobs.podLabels["app"] === "gitlab-runner", ["jobs", "podLabels", "app"], {
      expected: "must be something else: it tells the manager's pods from others",
    }),

  ({ jobs }) =>
    when(jobs.serviceAccount === "gitlab-runner" && jobs.namespace === undefined, ["jobs", "serviceAccount"], {
      expected: "must not be the manager's own account, under which every job could read the runner's token",
      fix: "pulumi config rm --path jobs.serviceAccount    (jobs then get an account of their own, without rights)",
    }),

  // The runner keeps tolerations in a table by key and value, and has no place for the rest.
  ({ jobs }) =>
    repeated(jobs.tolerations.map(tolerationKey)).map(({ value, index }) => ({
      path: ["jobs", "tolerations", index],
      expected: "must be the only toleration of its key and value: the runner keeps one of each",
      fix: `${removeCommand(["jobs", "tolerations", index])}    (without effect, the other tolerates every effect)`,
      found: value,
    })),

  ({ jobs }) =>
    jobs.tolerations.flatMap(({ tolerationSeconds }, index) =>
      when(tolerationSeconds !== undefined, ["jobs", "tolerations", index, "tolerationSeconds"], {
        expected: "must not be set: the runner cannot give it to job pods",
      }),
    ),

  overwriteRule("build", "resources"),
  overwriteRule("helper", "helperResources"),
  overwriteRule("service", "serviceResources"),
];

/** The most that a job may ask for cannot be less than what it gets without asking. */
function overwriteRule(
  container: "build" | "helper" | "service",
  resources: "resources" | "helperResources" | "serviceResources",
): Rule {
  return ({ jobs }, isSecret) =>
    (["requests", "limits"] as const).flatMap((kind) =>
      (["cpu", "memory", "ephemeral-storage"] as const).flatMap((name) => {
        const most = jobs.overwriteMaxAllowed[container][kind][name] ?? "";
        const own = jobs[resources][kind][name] ?? "";
        const path = ["jobs", "overwriteMaxAllowed", container, kind, name];
        const source = dotted(["jobs", resources, kind, name]);
        return when((parseQuantity(most) ?? Infinity) < (parseQuantity(own) ?? 0), path, {
          expected: `must not be below what every job gets${isSecret("jobs") ? `, ${source}` : `: ${source} is ${own}`}`,
          fix: isSecret("jobs") ? undefined : setCommand(path, own),
        });
      }),
    );
}

const cacheRules: readonly CacheRule[] = [
  ({ credentials }, isSecret) =>
    when(credentials !== undefined && !isSecret("cache"), ["cache", "credentials"], {
      expected: "must be encrypted, but is plain text in the stack's file",
      fix: "pulumi config set --secret --path cache.credentials.secretKey    (asks for it; the same for accessKey)",
      found: undefined,
    }),

  ({ credentials, bucket }) =>
    when(credentials !== undefined && bucket === undefined, ["cache", "bucket"], {
      expected: "must be set with cache.credentials: the bucket exists already",
      fix: "pulumi config set --path cache.bucket my-cache",
    }),

  ...(["expireAfterDays", "quota", "deleteWithStack"] as const).map(ownBucketRule),

  ({ credentials, adopt }) =>
    when(credentials !== undefined && adopt, ["cache", "adopt"], {
      expected: "must not be set with cache.credentials: the bucket is not this stack's own",
    }),

  ({ server }, isSecret) => {
    const [, host = "", port = "9000"] = /^(.*?)(?::(\d+))?$/.exec(server) ?? [];
    const isHost = URL.canParse(`http://${host}/`) && !/^[.-]|\.\./.test(host);
    const isPort = Number(port) >= 1 && Number(port) <= 65_535;
    return when(!isHost || !isPort, ["cache", "server"], {
      expected: isHost ? "must have a port from 1 to 65535" : "must have the name or address of a host",
      fix: `pulumi config set --path cache.server ${isHost && !isSecret("cache") ? host : "minio.minio.svc.cluster.local"}:9000`,
    });
  },
];

function ownBucketRule(key: "expireAfterDays" | "quota" | "deleteWithStack"): CacheRule {
  return (cache) => {
    const owner = cache.credentials !== undefined ? "cache.credentials" : cache.adopt ? "cache.adopt" : undefined;
    return when(owner !== undefined && cache[key] !== undefined, ["cache", key], {
      expected: `must not be set with ${owner ?? ""}: the bucket is not this stack's own`,
    });
  };
}

const chartRules: readonly Rule[] = [
  ({ chart }) =>
    when(chart.path !== undefined && chart.repository !== undefined, ["chart", "repository"], {
      expected: "must not be set with chart.path, which is installed instead",
      fix: "pulumi config rm --path chart.repository    (or: pulumi config rm --path chart.path)",
    }),

  ({ chart }) =>
    when(chart.path !== undefined && !existsSync(chart.path), ["chart", "path"], {
      expected: "must be a file or folder that exists; a relative path starts beside Pulumi.yaml",
      fix: "helm pull gitlab-runner --repo https://charts.gitlab.io --version 0.86.0    (and then: pulumi config set --path chart.path gitlab-runner-0.86.0.tgz)",
    }),

  ({ chart, manager }) => {
    // The runner of 0.65.0, 17.0, is the first that leaves an expiring token alone when it is told to (pitfall 5). Source of
    // the other: https://gitlab.com/gitlab-org/charts/gitlab-runner/-/blob/main/CHANGELOG.md (v0.85.0)
    const [oldest, reason] = manager.podMonitor
      ? ["0.85.0", "that knows manager.podMonitor"]
      : ["0.65.0", "whose runner leaves its token to this stack"];
    return when(chart.path === undefined && !gte(chart.version, oldest), ["chart", "version"], {
      expected: `must be at least ${oldest}, the first ${reason}`,
      fix: "pulumi config set --path chart.version 0.86.0",
    });
  },

  ({ chart, manager }) => {
    const values = chartValues({
      ...{ gitlabUrl: "", release: "", managerAccount: "", tokenSecret: "", cacheSecret: "", certsSecret: "" },
      ...{ configToml: "", linkerd: true },
      manager,
    });
    return ownedValues(chart.values, values).map((path) => ({
      path: ["chart", "values", ...path],
      expected: `must not be set: ${reasonOf(String(path[0]))}`,
      found: undefined,
    }));
  },
];

/** Why the program keeps a value of the chart, by its key, to itself. */
function reasonOf(key: string): string {
  if (["envVars", "extraEnv", "extraEnvFrom"].includes(key)) {
    return "the runner takes this variable for a setting, and this program makes those";
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
  ...newRunnerRules.map((rule) => only(({ runnerToken }) => runnerToken === undefined, rule)),
  ...existingRunnerRules.map((rule) => only(({ runnerToken }) => runnerToken !== undefined, rule)),
  ...[...podRules, ...managerRules, ...jobRules],
  ...cacheRules.map(
    (rule): Rule =>
      ({ cache }, isSecret) =>
        cache === false ? [] : rule(cache, isSecret),
  ),
  ...chartRules,
];

function only(isConcerned: (config: StackConfig) => boolean, rule: Rule): Rule {
  return (config, isSecret) => (isConcerned(config) ? rule(config, isSecret) : []);
}

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
