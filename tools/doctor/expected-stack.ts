import { parse as parseToml } from "smol-toml";
import { z } from "zod";
import type { CachePlace } from "../provider-settings.ts";
import { registeredResources, type RegisteredResource } from "../registered-resources.ts";
import type { StackConfiguration } from "../stack-file.ts";
import { UserError } from "../user-error.ts";

const metadata = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

const userRunner = z.object({
  runnerType: z.enum(["project_type", "group_type", "instance_type"]),
  projectId: z.number().optional(),
  groupId: z.number().optional(),
  tagLists: z.array(z.string()).default([]),
  untagged: z.boolean(),
  locked: z.boolean(),
  paused: z.boolean(),
  accessLevel: z.string(),
  description: z.string().optional(),
  maintenanceNote: z.string().optional(),
  maximumTimeout: z.number().optional(),
});

const policyRule = z.object({
  apiGroups: z.array(z.string()),
  resources: z.array(z.string()),
  verbs: z.array(z.string()),
});

const helmRelease = z.object({
  name: z.string(),
  namespace: z.string(),
  chart: z.string(),
  version: z.string().optional(),
  repositoryOpts: z.object({ repo: z.string() }).optional(),
  values: z.object({
    replicas: z.number(),
    podAnnotations: z.record(z.string(), z.string()),
    runners: z.object({ config: z.string() }),
  }),
});

const cacheSection = z.object({
  ServerAddress: z.string(),
  BucketName: z.string(),
  BucketLocation: z.string(),
  Insecure: z.boolean(),
});

const runnerToml = z.object({
  runners: z.tuple([z.object({ cache: z.object({ s3: cacheSection }).optional() })]),
});

/** The runner as the program requests it from GitLab. */
export type ExpectedRunner = z.output<typeof userRunner>;
/** A rule of a Role. */
export type PolicyRule = z.output<typeof policyRule>;

/** Where jobs find their cache, and who has made its keys. */
export interface ExpectedCache extends CachePlace {
  readonly bucket: string;
}

/** What the stack's configuration requests. */
export interface ExpectedStack {
  /** Undefined for an existing runner. */
  readonly runner: ExpectedRunner | undefined;
  /** Additional projects, by id or path. */
  readonly extraProjects: readonly string[];
  readonly namespace: string;
  /** Name of the Helm release. */
  readonly release: string;
  readonly jobNamespace: string;
  /** Annotations that each namespace gets, by its name. */
  readonly namespaceAnnotations: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly podAnnotations: Readonly<Record<string, string>>;
  readonly replicas: number;
  readonly managerAccount: string;
  readonly managerRules: readonly PolicyRule[];
  /** Undefined if the stack does not manage the jobs' account. */
  readonly jobAccount: string | undefined;
  /** Undefined without a cache. */
  readonly cache: ExpectedCache | undefined;
  /** Version and repository are undefined for a chart from a path. */
  readonly chart: { readonly version: string | undefined; readonly repository: string | undefined };
}

/**
 * What the program would register with the stack's current configuration.
 * @throws UserError when the configuration cannot be deployed
 */
export async function expectedStack(stack: StackConfiguration): Promise<ExpectedStack> {
  let resources: readonly RegisteredResource[];
  try {
    resources = await registeredResources(stack);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`The configuration of the stack ${stack.name} cannot be deployed.\n${reason}`);
  }
  return fromResources(resources);
}

/** Picks what the doctor checks from everything that the program registers. */
export function fromResources(resources: readonly RegisteredResource[]): ExpectedStack {
  const all = <Schema extends z.ZodType>(type: string, schema: Schema) =>
    resources.filter((resource) => resource.type === type).map(({ inputs }) => schema.parse(inputs));
  const one = <Schema extends z.ZodType>(type: string, schema: Schema) => {
    const [found] = all(type, schema);
    if (found === undefined) {
      throw new Error(`the program registers no ${type}`);
    }
    return found;
  };
  const release = one("kubernetes:helm.sh/v3:Release", helmRelease);
  const role = one("kubernetes:rbac.authorization.k8s.io/v1:Role", z.object({ metadata, rules: z.array(policyRule) }));
  const binding = one(
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
    z.object({ subjects: z.tuple([z.object({ name: z.string() })]) }),
  );
  const managerAccount = binding.subjects[0].name;
  const accounts = all("kubernetes:core/v1:ServiceAccount", z.object({ metadata }));
  const namespaces = all("kubernetes:core/v1:Namespace", z.object({ metadata }));
  // Undoes the escaping, as Helm would.
  const toml = release.values.runners.config.replaceAll('{{ "{{" }}', "{{");
  const s3 = runnerToml.parse(parseToml(toml)).runners[0].cache?.s3;
  return {
    runner: all("gitlab:index/userRunner:UserRunner", userRunner)[0],
    extraProjects: all(
      "gitlab:index/projectRunnerEnablement:ProjectRunnerEnablement",
      z.object({ project: z.string() }),
    ).map(({ project }) => project),
    namespace: release.namespace,
    release: release.name,
    jobNamespace: role.metadata.namespace ?? release.namespace,
    namespaceAnnotations: Object.fromEntries(
      namespaces.map(({ metadata: { name, annotations = {} } }) => [name, annotations]),
    ),
    podAnnotations: release.values.podAnnotations,
    replicas: release.values.replicas,
    managerAccount,
    managerRules: role.rules,
    jobAccount: accounts.find(({ metadata: { name } }) => name !== managerAccount)?.metadata.name,
    cache: s3 && {
      server: s3.ServerAddress,
      bucket: s3.BucketName,
      region: s3.BucketLocation,
      insecure: s3.Insecure,
      ownKeys: resources.some(({ type }) => type === "minio:index/iamUser:IamUser"),
    },
    chart: { version: release.version, repository: release.repositoryOpts?.repo },
  };
}
