import * as pulumi from "@pulumi/pulumi";
import { closest } from "fastest-levenshtein";
import { z } from "zod";
import type { GitLabRunnerArgs } from "./gitlab-runner.ts";
import {
  cacheSettings,
  chartSettings,
  jobSettings,
  managerSettings,
  podSecurityLevel,
  quotaSettings,
} from "./settings.ts";

/** A DNS label, as Kubernetes wants a namespace's name to be. */
const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "must be a DNS label, such as gitlab-runner");

/** GitLab's ids start at 1; 0 stands for 'not set', since Pulumi.yaml can declare no key without a default. */
const optionalId = z.int().min(0).default(0);

/** Stack configuration, key by key; `Pulumi.yaml` describes each. */
const stackConfig = z.strictObject({
  gitlabUrl: z.url({ protocol: /^https?$/ }).default("https://gitlab.com"),
  runnerType: z.enum(["project", "group", "instance"]).default("project"),
  projectId: optionalId,
  groupId: optionalId,
  extraProjects: z.array(z.union([z.int().min(1), z.string().regex(/^[^/\s]+(\/[^/\s]+)+$/)])).default([]),
  tags: z.array(z.string().regex(/^[^,]+$/, "must be a tag, without a comma")).default(["kubernetes", "homelab"]),
  runUntagged: z.boolean().default(false),
  locked: z.boolean().default(false),
  paused: z.boolean().default(false),
  protectedOnly: z.boolean().default(false),
  description: z.string().max(1024).default(""),
  maintenanceNote: z.string().max(1024).default(""),
  maximumTimeout: z.union([z.literal(0), z.int().min(600)]).default(0),
  rotation: z.string().default(""),
  namespace: dnsLabel.default("gitlab-runner"),
  cache: z.union([z.literal(false), cacheSettings]).prefault({}),
  manager: managerSettings.prefault({}),
  jobs: jobSettings.prefault({}),
  linkerd: z.boolean().default(false),
  chart: chartSettings.prefault({}),
  podSecurity: z.union([podSecurityLevel, z.literal("")]).default(""),
  quota: quotaSettings.default({}),
});

type StackConfig = z.output<typeof stackConfig>;

/** One thing that is wrong with the configuration. */
interface Problem {
  readonly key: string;
  readonly found: unknown;
  readonly expected: string;
  readonly fix: string;
}

/** A configuration that cannot be deployed; the message names every problem, and how to mend it. */
export class ConfigError extends pulumi.RunError {
  constructor(problems: readonly Problem[]) {
    const lines = problems.map(
      ({ key, found, expected, fix }) =>
        `  ${key}: ${expected}${found === undefined ? "" : `, but is ${JSON.stringify(found)}`}\n    ${fix}`,
    );
    const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
    super(`The stack's configuration has ${count}:\n${lines.join("\n")}\nNothing was created or changed.`);
  }
}

/**
 * Reads and checks the stack's configuration.
 * @throws {@link ConfigError} with all problems at once, before any resource is registered
 */
export function readStackConfig(): GitLabRunnerArgs {
  const project = pulumi.getProject();
  const raw = readAll(project);
  const parsed = stackConfig.safeParse(raw);
  if (!parsed.success) {
    throw new ConfigError(parsed.error.issues.flatMap((issue) => describeIssue(project, raw, issue)));
  }
  const contradictions = findContradictions(parsed.data);
  if (contradictions.length > 0) {
    throw new ConfigError(contradictions);
  }
  return runnerArgs(parsed.data);
}

/** All values of the project's own namespace, parsed: what is not JSON is a string. */
function readAll(project: string): Record<string, unknown> {
  const prefix = `${project}:`;
  return Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), parseValue(key.slice(prefix.length), value)]),
  );
}

function parseValue(key: string, value: string): unknown {
  const schema: unknown = (stackConfig.shape as Record<string, unknown>)[key];
  if (schema instanceof z.ZodDefault && schema.unwrap() instanceof z.ZodString) {
    return value;
  }
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

function describeIssue(project: string, raw: Record<string, unknown>, issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(issue.path);
    return issue.keys.map((unknown) => {
      const path = [...issue.path, unknown].join(".");
      const suggestion = closest(unknown, known);
      return {
        key: path,
        found: undefined,
        expected: `there is no such key; did you mean ${[...issue.path, suggestion].join(".")}?`,
        fix: `known keys: ${known.join(", ")}`,
      };
    });
  }
  const found = issue.path.reduce<unknown>(
    (value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part],
    raw,
  );
  const [top, ...rest] = issue.path.map(String);
  const path = rest.length === 0 ? (top ?? "") : `--path ${top ?? ""}.${rest.join(".")}`;
  return [
    {
      key: issue.path.join("."),
      found,
      expected: issue.message,
      fix: `pulumi config set ${path} VALUE    (see Pulumi.yaml of ${project} for what it takes)`,
    },
  ];
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  const nested: Record<string, z.ZodObject> = {
    cache: cacheSettings,
    manager: managerSettings,
    jobs: jobSettings,
    chart: chartSettings,
  };
  return Object.keys((nested[String(path[0])] ?? stackConfig).shape);
}

function findContradictions(config: StackConfig): Problem[] {
  const problems: Problem[] = [];
  const { runnerType } = config;
  const needs = (key: "projectId" | "groupId", type: string) => {
    if (runnerType === type && config[key] === 0) {
      problems.push({
        key,
        found: undefined,
        expected: `a runner of type ${type} needs the id of its ${type}`,
        fix: `pulumi config set ${key} 12345    (GitLab shows the id on the ${type}'s page, in its menu)`,
      });
    }
    if (runnerType !== type && config[key] !== 0) {
      problems.push({
        key,
        found: config[key],
        expected: `must not be set for a runner of type ${runnerType}`,
        fix: `pulumi config rm ${key}    (or: pulumi config set runnerType ${type})`,
      });
    }
  };
  needs("projectId", "project");
  needs("groupId", "group");

  if (config.extraProjects.length > 0 && runnerType !== "project") {
    problems.push({
      key: "extraProjects",
      found: config.extraProjects,
      expected: `only a project runner can be enabled for further projects; runnerType is ${runnerType}`,
      fix: "pulumi config rm extraProjects    (a group or instance runner serves all its projects anyway)",
    });
  }
  if (config.extraProjects.length > 0 && config.locked) {
    problems.push({
      key: "locked",
      found: true,
      expected: "a locked runner cannot be enabled for extraProjects, GitLab answers 403",
      fix: "pulumi config set locked false    (or: pulumi config rm extraProjects)",
    });
  }
  for (const project of duplicates([...config.extraProjects, config.projectId])) {
    problems.push({
      key: "extraProjects",
      found: project,
      expected:
        project === config.projectId ? "must not name the project that owns the runner" : "must name each project once",
      fix: `take ${project} out of extraProjects in Pulumi.${pulumi.getStack()}.yaml`,
    });
  }
  if (config.tags.length === 0 && !config.runUntagged) {
    problems.push({
      key: "tags",
      found: [],
      expected: "a runner without tags that takes no untagged jobs would never get a job, and GitLab refuses it",
      fix: "pulumi config set --path 'tags[0]' kubernetes    (or: pulumi config set runUntagged true)",
    });
  }
  return problems;
}

function duplicates(values: readonly (string | number)[]): (string | number)[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}

/** Turns 'not set' into undefined, and fills in what follows from other keys. */
function runnerArgs(config: StackConfig): GitLabRunnerArgs {
  const { gitlabUrl, namespace, cache, manager, jobs, linkerd, chart, quota, ...registration } = config;
  return {
    gitlabUrl,
    namespace,
    cache,
    manager,
    jobs,
    linkerd,
    chart,
    quota,
    // Linkerd's init container needs NET_ADMIN, which `baseline` forbids; with Linkerd's CNI plugin it is not needed.
    podSecurity: config.podSecurity === "" ? (linkerd ? "privileged" : "baseline") : config.podSecurity,
    registration: {
      runnerType: registration.runnerType,
      projectId: registration.projectId === 0 ? undefined : registration.projectId,
      groupId: registration.groupId === 0 ? undefined : registration.groupId,
      extraProjects: registration.extraProjects,
      tags: registration.tags,
      runUntagged: registration.runUntagged,
      locked: registration.locked,
      paused: registration.paused,
      protectedOnly: registration.protectedOnly,
      description: registration.description === "" ? undefined : registration.description,
      maintenanceNote: registration.maintenanceNote === "" ? undefined : registration.maintenanceNote,
      maximumTimeout: registration.maximumTimeout === 0 ? undefined : registration.maximumTimeout,
      rotation: registration.rotation === "" ? undefined : registration.rotation,
    },
  };
}
