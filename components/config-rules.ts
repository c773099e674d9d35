import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { gte } from "semver";
import { chartValues, ownedValues } from "./chart-values.ts";
import { dotted, removeCommand, type Path } from "./config-commands.ts";
import { describeValue, hidden, type Problem } from "./config-problems.ts";
import { registrationKeys, stackConfig, type StackConfig } from "./config-schema.ts";
import { tolerationKey } from "./config-toml.ts";
import { parseQuantity } from "./quantity.ts";
import { managerSettings } from "./settings.ts";

/** What the rules look at. */
export interface RuleContext {
  /** The configuration, complete, and each value right for itself. */
  readonly config: StackConfig;
  /** Whether a key of the configuration is encrypted. */
  readonly isSecret: (key: string) => boolean;
}

/** Finds contradictions between keys, which are few enough that a doubtful one among them does not hide much else. */
type Rule = (context: RuleContext) => Contradiction[];

interface Contradiction extends Omit<Problem, "found"> {
  readonly found?: unknown;
}

/** The first chart whose runner, 17.0, leaves an expiring token alone when it is told to (pitfall 5). */
const oldestChart = "0.65.0";
/** Source: https://gitlab.com/gitlab-org/charts/gitlab-runner/-/blob/main/CHANGELOG.md (v0.85.0) */
const oldestChartWithPodMonitor = "0.85.0";

const defaults = stackConfig.parse({});

/**
 * @param doubtful keys of the first two levels that have a default in place of a value that is wrong
 * @returns every contradiction between the other keys
 */
export function findContradictions(context: RuleContext, doubtful: readonly Path[] = []): Problem[] {
  const problems = rules.flatMap((rule) => {
    const seen = new Set<string>();
    const found = rule({ ...context, config: watched(context.config, seen) });
    return doubtful.some((path) => seen.has(path.join("."))) ? [] : found;
  });
  return problems.map((problem) => {
    const [topLevelKey = ""] = /^\w+/.exec(problem.key) ?? [];
    const isHidden = problem.found !== undefined && context.isSecret(topLevelKey);
    return { ...problem, found: isHidden ? hidden : describeValue(problem.found) };
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

function when(isWrong: boolean, problem: Contradiction): Contradiction[] {
  return isWrong ? [problem] : [];
}

const ofNewRunner = (rule: Rule): Rule => {
  return (context) => (context.config.runnerToken === undefined ? rule(context) : []);
};

const ofExistingRunner = (rule: Rule): Rule => {
  return (context) => (context.config.runnerToken === undefined ? [] : rule(context));
};

function ownerOf(type: "project" | "group"): Rule {
  const key = `${type}Id` as const;
  return ({ config }) => [
    ...when(config.runnerType === type && config[key] === undefined, {
      key,
      expected: `must be set: a runner of type ${type} needs the id of its ${type}`,
      fix: `pulumi config set ${key} 12345    (GitLab shows the id on the ${type}'s page, in its menu)`,
    }),
    ...when(config.runnerType !== type && config[key] !== undefined, {
      key,
      found: config[key],
      expected: `must not be set for a runner of type ${config.runnerType}`,
      fix: `pulumi config rm ${key}    (or: pulumi config set runnerType ${type})`,
    }),
  ];
}

const extraProjectsOfProject: Rule = ({ config: { extraProjects, runnerType } }) =>
  when(extraProjects.length > 0 && runnerType !== "project", {
    key: "extraProjects",
    found: extraProjects,
    expected: `must not be set for a runner of type ${runnerType}, which serves all its projects anyway`,
    fix: "pulumi config rm extraProjects    (or: pulumi config set runnerType project)",
  });

const unlockedForExtraProjects: Rule = ({ config: { extraProjects, locked } }) =>
  when(extraProjects.length > 0 && locked, {
    key: "locked",
    found: true,
    expected: "must be false with extraProjects: GitLab does not enable a locked runner for further projects (403)",
    fix: "pulumi config set locked false    (or: pulumi config rm extraProjects)",
  });

const extraProjectsOnce: Rule = ({ config: { extraProjects, projectId } }) =>
  repeated([projectId, ...extraProjects]).map(({ value, index }) => ({
    key: dotted(["extraProjects", index - 1]),
    found: value,
    expected: value === projectId ? "must not name the project that owns the runner" : "must name each project once",
    fix: removeCommand(["extraProjects", index - 1]),
  }));

const tagsOnce: Rule = ({ config: { tags } }) =>
  repeated(tags).map(({ value, index }) => ({
    key: dotted(["tags", index]),
    found: value,
    expected: "must name each tag once",
    fix: removeCommand(["tags", index]),
  }));

const reachable: Rule = ({ config: { tags, runUntagged } }) =>
  when(tags.length === 0 && !runUntagged, {
    key: "tags",
    found: tags,
    expected: "must not be empty without runUntagged: no job would reach the runner, and GitLab refuses it",
    fix: "pulumi config set --path 'tags[0]' kubernetes    (or: pulumi config set runUntagged true)",
  });

const encryptedToken: Rule = ({ isSecret }) =>
  when(!isSecret("runnerToken"), {
    key: "runnerToken",
    expected: "must be encrypted, but is plain text in the stack's file",
    fix: "pulumi config set --secret runnerToken    (asks for it; reset the token in GitLab first, as it was in the open)",
  });

const leftToGitLab = registrationKeys.map(
  (key): Rule =>
    ({ config }) =>
      when(!isDeepStrictEqual(config[key], defaults[key]), {
        key,
        found: config[key],
        expected: "must not be set with runnerToken: the settings of a runner that exists are GitLab's",
        fix: `pulumi config rm ${key}    (or, to create a runner: pulumi config rm runnerToken)`,
      }),
);

/** Pods that a namespace refuses would be missing one by one, long after `pulumi up`. */
const unprivilegedJobs: Rule = ({ config }) => {
  const level = podSecurityLevel(config);
  return when(config.jobs.privileged && level !== "privileged", {
    key: "jobs.privileged",
    found: true,
    expected: `must be false where podSecurity is ${level}${config.podSecurity === undefined ? ", its default" : ""}: Kubernetes refuses privileged pods there`,
    fix: "pulumi config set podSecurity privileged    (or: pulumi config set --path jobs.privileged false)",
  });
};

const podSecurityOfLinkerd: Rule = ({ config }) =>
  when(config.linkerd && podSecurityLevel(config) === "restricted", {
    key: "podSecurity",
    found: config.podSecurity,
    expected: "must be privileged or baseline with linkerd, whose init container needs more rights",
    fix: "pulumi config set podSecurity privileged    (or baseline, where Linkerd's CNI plugin is installed)",
  });

function podSecurityLevel({ podSecurity, linkerd }: StackConfig): StackConfig["podSecurity"] {
  return podSecurity ?? (linkerd ? "privileged" : "baseline");
}

const gitlabAddress: Rule = ({ config: { gitlabUrl }, isSecret }) => {
  const url = new URL(gitlabUrl);
  const isOdd = /\/api\/v\d/.test(url.pathname) || `${url.search}${url.hash}${url.username}${url.password}` !== "";
  const address = `${url.origin}${url.pathname.replace(/\/(api\/v\d.*)?$/, "")}`;
  return when(isOdd, {
    key: "gitlabUrl",
    found: gitlabUrl,
    expected: "must be GitLab's own address, without /api/v4, query or user name",
    fix: `pulumi config set gitlabUrl ${isSecret("gitlabUrl") ? "https://gitlab.com" : address}`,
  });
};

const monitoredMetrics = (["podMonitor", "alerts", "dashboard"] as const).map(
  (key): Rule =>
    ({ config: { manager } }) =>
      when(manager[key] && !manager.metrics, {
        key: `manager.${key}`,
        found: true,
        expected: "must be false where manager.metrics is false: there is nothing to monitor",
        fix: "pulumi config set --path manager.metrics true",
      }),
);

const labelledMonitors: Rule = ({ config: { manager } }) =>
  when(Object.keys(manager.monitoringLabels).length > 0 && !manager.podMonitor && !manager.alerts, {
    key: "manager.monitoringLabels",
    found: manager.monitoringLabels,
    expected: "must not be set where manager.podMonitor and manager.alerts are false: there is nothing to label",
    fix: "pulumi config set --path manager.podMonitor true    (or: pulumi config rm --path manager.monitoringLabels)",
  });

const oneSecretWithCertificates: Rule = ({ config: { manager, caCertificate } }) =>
  when(manager.certsSecret !== undefined && caCertificate !== undefined, {
    key: "manager.certsSecret",
    found: manager.certsSecret,
    expected: "must not be set with caCertificate, which makes a Secret of its own",
    fix: "pulumi config rm --path manager.certsSecret    (or: pulumi config rm caCertificate)",
  });

const certificates: Rule = ({ config: { caCertificate } }) =>
  when(caCertificate !== undefined && !isCertificate(caCertificate), {
    key: "caCertificate",
    expected: "must be one or more certificates as PEM, each from -----BEGIN CERTIFICATE----- on",
    fix: 'pulumi config set caCertificate -- "$(cat ca.pem)"',
  });

const otherNamespaceForJobs: Rule = ({ config: { jobs, namespace } }) =>
  when(jobs.namespace === namespace, {
    key: "jobs.namespace",
    found: jobs.namespace,
    expected: "must not be the manager's own namespace, where jobs are anyway while this is not set",
    fix: "pulumi config rm --path jobs.namespace    (or: pulumi config set --path jobs.namespace ci-jobs)",
  });

const labelOfManager: Rule = ({ config: { jobs } }) =>
  when(jobs.podLabels["app"] === "gitlab-runner", {
    key: "jobs.podLabels.app",
    found: jobs.podLabels["app"],
    expected: "must be something else: it tells the manager's pods from others",
    fix: "pulumi config rm --path jobs.podLabels.app",
  });

const otherAccountForJobs: Rule = ({ config: { jobs } }) =>
  when(jobs.serviceAccount === "gitlab-runner" && jobs.namespace === undefined, {
    key: "jobs.serviceAccount",
    found: jobs.serviceAccount,
    expected: "must not be the manager's own account, under which every job could read the runner's token",
    fix: "pulumi config rm --path jobs.serviceAccount    (jobs then get an account of their own, without rights)",
  });

/** The runner keeps tolerations in a table by key and value, and has no place for the rest. */
const tolerations: Rule = ({ config: { jobs } }) => [
  ...repeated(jobs.tolerations.map(tolerationKey)).map(({ value, index }) => ({
    key: dotted(["jobs", "tolerations", index]),
    found: value,
    expected: "must be the only toleration of its key and value: the runner keeps one of each",
    fix: `${removeCommand(["jobs", "tolerations", index])}    (without effect, the other tolerates every effect)`,
  })),
  ...jobs.tolerations.flatMap(({ tolerationSeconds }, index) =>
    when(tolerationSeconds !== undefined, {
      key: dotted(["jobs", "tolerations", index, "tolerationSeconds"]),
      found: tolerationSeconds,
      expected: "must not be set: the runner cannot give it to job pods",
      fix: removeCommand(["jobs", "tolerations", index, "tolerationSeconds"]),
    }),
  ),
];

/** The most that a job may ask for cannot be less than what it gets without asking. */
const overwrites = (["build", "helper", "service"] as const).map((container): Rule => {
  const name = ({ build: "resources", helper: "helperResources", service: "serviceResources" } as const)[container];
  return ({ config: { jobs }, isSecret }) =>
    (["requests", "limits"] as const).flatMap((kind) =>
      (["cpu", "memory", "ephemeral-storage"] as const).flatMap((resource) => {
        const most = jobs.overwriteMaxAllowed[container][kind][resource];
        const own = jobs[name][kind][resource];
        const key = dotted(["jobs", "overwriteMaxAllowed", container, kind, resource]);
        const ownKey = dotted(["jobs", name, kind, resource]);
        return when(most !== undefined && own !== undefined && (parseQuantity(most) ?? 0) < (parseQuantity(own) ?? 0), {
          key,
          found: most,
          expected: `must not be below what every job gets${isSecret("jobs") ? `, ${ownKey}` : `: ${ownKey} is ${own ?? ""}`}`,
          fix: isSecret("jobs") ? `pulumi config rm --path ${key}` : `pulumi config set --path ${key} ${own ?? ""}`,
        });
      }),
    );
});

const encryptedKeys: Rule = ({ config: { cache }, isSecret }) =>
  when(cache !== false && cache.credentials !== undefined && !isSecret("cache"), {
    key: "cache.credentials",
    expected: "must be encrypted, but is plain text in the stack's file",
    fix: "pulumi config set --secret --path cache.credentials.secretKey    (asks for it; the same for accessKey)",
  });

const namedBucket: Rule = ({ config: { cache } }) =>
  when(cache !== false && cache.credentials !== undefined && cache.bucket === undefined, {
    key: "cache.bucket",
    expected: "must be set with cache.credentials: the bucket exists already",
    fix: "pulumi config set --path cache.bucket my-cache",
  });

/** What only a bucket of this stack's own has, such as an expiry. */
const ownBucket = (["expireAfterDays", "quota", "deleteWithStack", "adopt"] as const).map(
  (key): Rule =>
    ({ config }) => {
      if (config.cache === false) {
        return [];
      }
      const { [key]: value, credentials } = config.cache;
      const owner =
        credentials !== undefined ? "cache.credentials" : key !== "adopt" && config.cache.adopt ? "cache.adopt" : "";
      return when(owner !== "" && value !== undefined && (key !== "adopt" || value === true), {
        key: `cache.${key}`,
        found: value,
        expected: `must not be set with ${owner}: the bucket is not this stack's own`,
        fix: `pulumi config rm --path cache.${key}`,
      });
    },
);

const reachableCache: Rule = ({ config: { cache }, isSecret }) => {
  if (cache === false) {
    return [];
  }
  const [, host = "", port = "9000"] = /^(.*?)(?::(\d+))?$/.exec(cache.server) ?? [];
  const isHost = URL.canParse(`http://${host}/`) && !/^[.-]|\.\./.test(host);
  const isPort = Number(port) >= 1 && Number(port) <= 65_535;
  return when(!isHost || !isPort, {
    key: "cache.server",
    found: cache.server,
    expected: isHost ? "must have a port from 1 to 65535" : "must have the name or address of a host",
    fix: `pulumi config set --path cache.server ${isHost && !isSecret("cache") ? host : "minio.minio.svc.cluster.local"}:9000`,
  });
};

const chartOrPath: Rule = ({ config: { chart } }) =>
  when(chart.path !== undefined && chart.repository !== undefined, {
    key: "chart.repository",
    found: chart.repository,
    expected: "must not be set with chart.path, which is installed instead",
    fix: "pulumi config rm --path chart.repository    (or: pulumi config rm --path chart.path)",
  });

const existingPath: Rule = ({ config: { chart } }) =>
  when(chart.path !== undefined && !existsSync(chart.path), {
    key: "chart.path",
    found: chart.path,
    expected: "must be a file or folder that exists; a relative path starts beside Pulumi.yaml",
    fix: "helm pull gitlab-runner --repo https://charts.gitlab.io --version 0.86.0    (and then: pulumi config set --path chart.path gitlab-runner-0.86.0.tgz)",
  });

const newEnoughChart: Rule = ({ config: { chart, manager } }) => {
  const [oldest, reason] = manager.podMonitor
    ? [oldestChartWithPodMonitor, "that knows manager.podMonitor"]
    : [oldestChart, "whose runner leaves its token to this stack"];
  return when(chart.path === undefined && !gte(chart.version, oldest), {
    key: "chart.version",
    found: chart.version,
    expected: `must be at least ${oldest}, the first ${reason}`,
    fix: "pulumi config set --path chart.version 0.86.0",
  });
};

const furtherValues: Rule = ({ config: { chart, manager } }) => {
  const values = chartValues({
    ...{ gitlabUrl: "", release: "", managerAccount: "", tokenSecret: "", cacheSecret: "", certsSecret: "" },
    ...{ credentialsChecksum: "", configToml: "", linkerd: true },
    manager,
  });
  return ownedValues(chart.values, values).map((path) => {
    const key = String(path[0]);
    const source = sourceOfValue[key] ?? (key in managerSettings.shape ? `manager.${key}` : undefined);
    return {
      key: dotted(["chart", "values", ...path]),
      expected: ["envVars", "extraEnv", "extraEnvFrom"].includes(key)
        ? "must not be set: the runner takes this variable for a setting, and this program makes those"
        : `must not be set: this program sets it${source === undefined ? "" : `, from ${source}`}`,
      fix: removeCommand(["chart", "values", ...path]),
    };
  });
};

/** Settings that the chart's values come from, where their names differ. */
const sourceOfValue: Readonly<Record<string, string>> = {
  gitlabUrl: "gitlabUrl",
  terminationGracePeriodSeconds: "manager.shutdownTimeout",
  certsSecretName: "manager.certsSecret",
  runners: "jobs and cache",
};

const rules: readonly Rule[] = [
  ...[ownerOf("project"), ownerOf("group"), extraProjectsOfProject, unlockedForExtraProjects].map(ofNewRunner),
  ...[extraProjectsOnce, tagsOnce, reachable].map(ofNewRunner),
  ...[encryptedToken, ...leftToGitLab].map(ofExistingRunner),
  ...[unprivilegedJobs, podSecurityOfLinkerd],
  ...[gitlabAddress, ...monitoredMetrics, labelledMonitors, oneSecretWithCertificates, certificates],
  ...[otherNamespaceForJobs, labelOfManager, otherAccountForJobs, tolerations, ...overwrites],
  ...[encryptedKeys, namedBucket, ...ownBucket, reachableCache],
  ...[chartOrPath, existingPath, newEnoughChart, furtherValues],
];

/** @returns the last first, so that each can be taken out without moving the others */
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
