import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { gte } from "semver";
import { chartValues, ownedValues } from "./chart-values.ts";
import { dotted, removeCommand, type Problem } from "./config-problems.ts";
import { tolerationKey } from "./config-toml.ts";
import type { StackConfig } from "./config.ts";
import { parseQuantity } from "./quantity.ts";
import { managerSettings, type CacheSettings, type JobSettings } from "./settings.ts";

/** What the rules look at. */
export interface RuleContext {
  /** The configuration, complete, and each value right for itself. */
  readonly config: StackConfig;
  /** The top-level keys that differ from their default. */
  readonly given: Readonly<Record<string, unknown>>;
  /** Whether a key of the configuration is encrypted. */
  readonly isSecret: (key: string) => boolean;
}

/** The first chart whose runner, 17.0, leaves an expiring token alone when it is told to (pitfall 5). */
const oldestChart = "0.65.0";

/** What GitLab keeps of a runner. */
const registrationKeys = [
  ...["runnerType", "projectId", "groupId", "extraProjects", "tags", "runUntagged", "locked", "paused"],
  ...["protectedOnly", "description", "maintenanceNote", "maximumTimeout"],
];

/** @returns every contradiction between keys that are right for themselves */
export function findContradictions(context: RuleContext): Problem[] {
  const { config } = context;
  return [
    ...(config.runnerToken === "" ? createdRunner(config) : existingRunner(context)),
    ...podSecurity(context),
    ...manager(config),
    ...jobs(config),
    ...(config.cache === false ? [] : cache(config.cache, context)),
    ...chart(config),
  ];
}

function when(isWrong: boolean, problem: Problem): Problem[] {
  return isWrong ? [problem] : [];
}

function createdRunner(config: StackConfig): Problem[] {
  const { runnerType, extraProjects, projectId, tags } = config;
  const owner = (["project", "group"] as const).flatMap((type) => {
    const key = `${type}Id` as const;
    return [
      ...when(runnerType === type && config[key] === 0, {
        key,
        expected: `a runner of type ${type} needs the id of its ${type}`,
        fix: `pulumi config set ${key} 12345    (GitLab shows the id on the ${type}'s page, in its menu)`,
      }),
      ...when(runnerType !== type && config[key] !== 0, {
        key,
        found: config[key],
        expected: `must not be set for a runner of type ${runnerType}`,
        fix: `pulumi config rm ${key}    (or: pulumi config set runnerType ${type})`,
      }),
    ];
  });
  return [
    ...owner,
    ...when(extraProjects.length > 0 && runnerType !== "project", {
      key: "extraProjects",
      found: extraProjects,
      expected: `only a project runner can be enabled for further projects; runnerType is ${runnerType}`,
      fix: "pulumi config rm extraProjects    (a group or instance runner serves all its projects anyway)",
    }),
    ...when(extraProjects.length > 0 && config.locked, {
      key: "locked",
      found: true,
      expected: "a locked runner cannot be enabled for extraProjects, GitLab answers 403",
      fix: "pulumi config set locked false    (or: pulumi config rm extraProjects)",
    }),
    ...repeated([projectId, ...extraProjects]).map(({ value, index }) => ({
      key: dotted(["extraProjects", index - 1]),
      found: value,
      expected: value === projectId ? "must not name the project that owns the runner" : "must name each project once",
      fix: removeCommand(["extraProjects", index - 1]),
    })),
    ...repeated(tags).map(({ value, index }) => ({
      key: dotted(["tags", index]),
      found: value,
      expected: "must name each tag once",
      fix: removeCommand(["tags", index]),
    })),
    ...when(tags.length === 0 && !config.runUntagged, {
      key: "tags",
      found: tags,
      expected: "a runner without tags that takes no untagged jobs would never get a job, and GitLab refuses it",
      fix: "pulumi config set --path 'tags[0]' kubernetes    (or: pulumi config set runUntagged true)",
    }),
  ];
}

function existingRunner({ given, isSecret }: RuleContext): Problem[] {
  return [
    ...when(!isSecret("runnerToken"), {
      key: "runnerToken",
      expected: "must be encrypted, but is plain text in the stack's file",
      fix: "pulumi config set --secret runnerToken    (asks for it; reset the token in GitLab first, as it was in the open)",
    }),
    ...registrationKeys
      .filter((key) => key in given)
      .map((key) => ({
        key,
        found: given[key],
        expected: "must not be set with runnerToken: the settings of a runner that exists are GitLab's",
        fix: `pulumi config rm ${key}    (or, to create a runner: pulumi config rm runnerToken)`,
      })),
  ];
}

/** Pods that a namespace refuses would be missing one by one, long after `pulumi up`. */
function podSecurity({ config, given }: RuleContext): Problem[] {
  const level = config.podSecurity === "" ? (config.linkerd ? "privileged" : "baseline") : config.podSecurity;
  return [
    ...when(config.jobs.privileged && level !== "privileged", {
      key: "jobs.privileged",
      found: true,
      expected: `Kubernetes refuses privileged pods where podSecurity is ${level}${"podSecurity" in given ? "" : ", its default"}`,
      fix: "pulumi config set podSecurity privileged    (or: pulumi config set --path jobs.privileged false)",
    }),
    ...when(config.linkerd && level === "restricted", {
      key: "podSecurity",
      found: level,
      expected: "Linkerd's init container needs rights that this level forbids",
      fix: "pulumi config set podSecurity privileged    (or baseline, where Linkerd's CNI plugin is installed)",
    }),
  ];
}

function manager({ manager: { podMonitor, metrics, certsSecret }, caCertificate, gitlabUrl }: StackConfig): Problem[] {
  const url = new URL(gitlabUrl);
  const isOdd = /\/api\/v\d/.test(url.pathname) || `${url.search}${url.hash}${url.username}${url.password}` !== "";
  return [
    ...when(isOdd, {
      key: "gitlabUrl",
      // A password in it is nobody's business.
      found: `${url.origin}${url.pathname}`,
      expected: "must be GitLab's own address, without /api/v4, query or user name",
      fix: `pulumi config set gitlabUrl ${url.origin}`,
    }),
    ...when(podMonitor && !metrics, {
      key: "manager.podMonitor",
      found: true,
      expected: "there are no metrics to monitor while manager.metrics is false",
      fix: "pulumi config set --path manager.metrics true",
    }),
    ...when(certsSecret !== undefined && caCertificate !== "", {
      key: "manager.certsSecret",
      found: certsSecret,
      expected: "must not be set with caCertificate, which makes a Secret of its own",
      fix: "pulumi config rm --path manager.certsSecret    (or: pulumi config rm caCertificate)",
    }),
    ...when(caCertificate !== "" && !isCertificate(caCertificate), {
      key: "caCertificate",
      expected: "must be one or more certificates as PEM, each from -----BEGIN CERTIFICATE----- on",
      fix: 'pulumi config set caCertificate -- "$(cat ca.pem)"',
    }),
  ];
}

function jobs({ jobs, namespace }: StackConfig): Problem[] {
  return [
    ...when(jobs.namespace === namespace, {
      key: "jobs.namespace",
      found: namespace,
      expected: "is the manager's own namespace; not set, jobs are there anyway",
      fix: "pulumi config rm --path jobs.namespace    (or: pulumi config set --path jobs.namespace ci-jobs)",
    }),
    ...when(jobs.podLabels["app"] === "gitlab-runner", {
      key: "jobs.podLabels.app",
      found: jobs.podLabels["app"],
      expected: "is the label that tells manager pods from others",
      fix: "pulumi config rm --path jobs.podLabels.app",
    }),
    ...tolerations(jobs),
    ...overwrites(jobs),
  ];
}

/** The runner keeps tolerations in a table by key and value, and has no place for the rest. */
function tolerations({ tolerations }: JobSettings): Problem[] {
  return [
    ...repeated(tolerations.map(tolerationKey)).map(({ value, index }) => ({
      key: dotted(["jobs", "tolerations", index]),
      found: value,
      expected: "the runner takes only one toleration of the same key and value",
      fix: `${removeCommand(["jobs", "tolerations", index])}    (without effect, the other tolerates every effect)`,
    })),
    ...tolerations.flatMap(({ tolerationSeconds }, index) =>
      when(tolerationSeconds !== undefined, {
        key: dotted(["jobs", "tolerations", index, "tolerationSeconds"]),
        found: tolerationSeconds,
        expected: "the runner cannot give it to job pods",
        fix: removeCommand(["jobs", "tolerations", index, "tolerationSeconds"]),
      }),
    ),
  ];
}

/** The most that a job may ask for cannot be less than what it gets without asking. */
function overwrites(jobs: JobSettings): Problem[] {
  const containers = { build: "resources", helper: "helperResources", service: "serviceResources" } as const;
  return (["build", "helper", "service"] as const).flatMap((container) =>
    (["requests", "limits"] as const).flatMap((kind) =>
      (["cpu", "memory", "ephemeral-storage"] as const).flatMap((resource) => {
        const most = jobs.overwriteMaxAllowed[container][kind][resource];
        const own = jobs[containers[container]][kind][resource];
        const key = dotted(["jobs", "overwriteMaxAllowed", container, kind, resource]);
        return when(most !== undefined && own !== undefined && (parseQuantity(most) ?? 0) < (parseQuantity(own) ?? 0), {
          key,
          found: most,
          expected: `must not be below what every job gets: ${dotted(["jobs", containers[container], kind, resource])} is ${own ?? ""}`,
          fix: `pulumi config set --path ${key} ${own ?? ""}`,
        });
      }),
    ),
  );
}

function cache(cache: CacheSettings, { isSecret }: RuleContext): Problem[] {
  const owner = cache.credentials === undefined ? (cache.adopt ? "cache.adopt" : undefined) : "cache.credentials";
  const { expireAfterDays, quota, deleteWithStack } = cache;
  const ofOwnBucket = {
    expireAfterDays,
    quota,
    deleteWithStack,
    adopt: cache.credentials !== undefined && cache.adopt ? true : undefined,
  };
  const [, host = "", port = "9000"] = /^(.*?)(?::(\d+))?$/.exec(cache.server) ?? [];
  return [
    ...when(cache.credentials !== undefined && !isSecret("cache"), {
      key: "cache.credentials",
      expected: "must be encrypted, but is plain text in the stack's file",
      fix: "pulumi config set --secret --path cache.credentials.secretKey    (asks for it; the same for accessKey)",
    }),
    ...when(cache.credentials !== undefined && cache.bucket === undefined, {
      key: "cache.bucket",
      expected: "must be set with cache.credentials: the bucket exists already",
      fix: "pulumi config set --path cache.bucket my-cache",
    }),
    ...Object.entries(ofOwnBucket).flatMap(([key, value]) =>
      when(owner !== undefined && value !== undefined, {
        key: `cache.${key}`,
        found: value,
        expected: `must not be set with ${owner ?? ""}: the bucket is not this stack's own`,
        fix: `pulumi config rm --path cache.${key}`,
      }),
    ),
    ...when(Number(port) < 1 || Number(port) > 65_535, {
      key: "cache.server",
      found: cache.server,
      expected: "must have a port from 1 to 65535",
      fix: `pulumi config set --path cache.server ${host}:9000`,
    }),
    ...when(!URL.canParse(`http://${host}/`) || /^[.-]|\.\./.test(host), {
      key: "cache.server",
      found: cache.server,
      expected: "must have the name or address of a host",
      fix: "pulumi config set --path cache.server minio.minio.svc.cluster.local:9000",
    }),
  ];
}

function chart({ chart, manager }: StackConfig): Problem[] {
  const values = chartValues({
    ...{ gitlabUrl: "", release: "", managerAccount: "", tokenSecret: "", cacheSecret: "", certsSecret: "" },
    ...{ credentialsChecksum: "", configToml: "", linkerd: true },
    manager,
  });
  return [
    ...when(chart.path !== undefined && chart.repository !== undefined, {
      key: "chart.repository",
      found: chart.repository,
      expected: "must not be set with chart.path, which is installed instead",
      fix: "pulumi config rm --path chart.repository    (or: pulumi config rm --path chart.path)",
    }),
    ...when(chart.path !== undefined && !existsSync(chart.path), {
      key: "chart.path",
      found: chart.path,
      expected: "there is no such file or folder; a relative path starts beside Pulumi.yaml",
      fix: "helm pull gitlab-runner --repo https://charts.gitlab.io --version 0.86.0    (and then: pulumi config set --path chart.path gitlab-runner-0.86.0.tgz)",
    }),
    ...when(chart.path === undefined && !gte(chart.version, oldestChart), {
      key: "chart.version",
      found: chart.version,
      expected: `must be at least ${oldestChart}, the first whose runner leaves its token to this stack`,
      fix: "pulumi config set --path chart.version 0.86.0",
    }),
    ...ownedValues(chart.values, values).map((path) => {
      const [key = ""] = path;
      return {
        key: dotted(["chart", "values", ...path]),
        expected: `is set by this program${key in managerSettings.shape ? `, from manager.${key}` : ""}`,
        fix: removeCommand(["chart", "values", ...path]),
      };
    }),
  ];
}

function repeated<T>(values: readonly T[]): { value: T; index: number }[] {
  return values.map((value, index) => ({ value, index })).filter(({ value, index }) => values.indexOf(value) !== index);
}

function isCertificate(pem: string): boolean {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
  try {
    return certificates.map((certificate) => new X509Certificate(certificate)).length > 0;
  } catch {
    return false;
  }
}
