import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { BuildCache } from "./build-cache.ts";
import { changeHooks } from "./change-warnings.ts";
import { errorMessage } from "./config/problems.ts";
import { jobNetworkPolicies, managerNetworkPolicies } from "./network-policies.ts";
import { parseQuantity } from "./quantity.ts";
import { RunnerAccess } from "./runner-access.ts";
import { RunnerCredentials } from "./runner-credentials.ts";
import { RunnerMonitoring } from "./runner-monitoring.ts";
import { RunnerNamespace } from "./runner-namespace.ts";
import { RunnerRegistration, type RunnerRegistrationArgs } from "./runner-registration.ts";
import { RunnerRelease } from "./runner-release.ts";
import { RunnerTrust } from "./runner-trust.ts";
import {
  cacheSettings,
  chartSettings,
  jobSettings,
  managerSettings,
  networkPolicySettings,
  type CacheArgs,
  type CacheSettings,
  type ChartArgs,
  type JobArgs,
  type ManagerArgs,
  type NetworkPolicyArgs,
  type PodSecurityLevel,
} from "./settings.ts";

/** Inputs of {@link GitLabRunner}: either `registration` or `runnerToken`; everything else has a default. */
export interface GitLabRunnerArgs {
  /** Address of GitLab that the runner polls. @defaultValue `https://gitlab.com` */
  readonly gitlabUrl?: pulumi.Input<string>;
  /** The runner to create in GitLab. @defaultValue none: `runnerToken` is that of an existing one */
  readonly registration?: RunnerRegistrationArgs;
  /** Authentication token, `glrt-…`, of a runner that exists in GitLab. @defaultValue that of the runner which `registration` creates */
  readonly runnerToken?: pulumi.Input<string>;
  /** Namespace to create for the runner and its jobs. A plain value, since it decides what is created. @defaultValue the component's name */
  readonly namespace?: string;
  /** The build cache, or `false` for none. @defaultValue a bucket in MinIO, with the settings of {@link CacheArgs} */
  readonly cache?: CacheArgs | false;
  /** Settings of the runner manager. @defaultValue those of {@link ManagerArgs} */
  readonly manager?: ManagerArgs;
  /** Settings of the job pods. @defaultValue those of {@link JobArgs} */
  readonly jobs?: JobArgs;
  /** Let Linkerd inject its proxy into manager and job pods. A plain value, since it decides what is created. @defaultValue false */
  readonly linkerd?: boolean;
  /** The Helm chart. @defaultValue GitLab's, in the version of {@link ChartArgs} */
  readonly chart?: ChartArgs;
  /**
   * Pod Security level of the namespaces.
   * @defaultValue `baseline`, or `privileged` with Linkerd, whose init container needs it
   */
  readonly podSecurity?: PodSecurityLevel;
  /** Limits of what all pods may use together, by Kubernetes' resource names, such as `{"requests.cpu": "8"}`. @defaultValue none */
  readonly quota?: Readonly<Record<string, string>>;
  /** Close the network but to what manager and jobs need. @defaultValue false */
  readonly networkPolicy?: NetworkPolicyArgs | boolean;
  /** Certificates of one's own authority, as PEM, for GitLab and the object store. @defaultValue none */
  readonly caCertificate?: pulumi.Input<string>;
  /** Change it to any other value, and token and keys are replaced: the new before the old. @defaultValue none */
  readonly rotation?: pulumi.Input<string | undefined>;
}

/** A GitLab runner of a Kubernetes cluster's own, from its registration in GitLab to its first poll for jobs. */
export class GitLabRunner extends pulumi.ComponentResource {
  /** Id of the runner in GitLab; undefined for one that exists already. */
  readonly runnerId: pulumi.Output<number> | undefined;
  /** Page where GitLab shows the runner, or what it belongs to; undefined for one that exists already. */
  readonly runnerPage: pulumi.Output<string> | undefined;
  /** Tags whose jobs the runner picks up; undefined for one that exists already. */
  readonly runnerTags: pulumi.Output<string[]> | undefined;
  /** The further projects that may use the runner; undefined for one that exists already. */
  readonly enabledProjects: pulumi.Output<string[]> | undefined;
  /** Namespace of the runner manager. */
  readonly namespace: pulumi.Output<string>;
  /** Namespace of the job pods. */
  readonly jobNamespace: pulumi.Output<string>;
  /** The Helm release. */
  readonly release: pulumi.Output<{
    /** Its name. */
    name: string;
    /** Name and version of its chart: `gitlab-runner-0.86.0`. */
    chart: string;
    /** Version of the runner in it: `18.9.0`. */
    appVersion: string;
    /** `deployed`, or what else Helm says. */
    status: string;
  }>;
  /** Bucket of the build cache; undefined without a cache. */
  readonly cacheBucket: pulumi.Output<string> | undefined;
  /** Name of the Secret with the runner's token, in the manager's namespace; another one after each rotation. */
  readonly tokenSecret: pulumi.Output<string>;
  /** Name of the Secret with the cache's keys, in the manager's namespace; undefined without a cache. */
  readonly cacheSecret: pulumi.Output<string> | undefined;
  /** Commands that show whether the runner is at work. */
  readonly nextSteps: pulumi.Output<string[]>;

  /**
   * @param name a DNS label of at most 53 characters: the Helm release is called so, the namespace too unless `args` names
   * one, and the bucket `NAME-cache`; another runner needs another name
   * @param args what to make
   * @param opts options of every component of Pulumi's, such as `providers`
   * @throws pulumi.RunError when the name or a setting is not as its type says, or where there is neither `registration` nor `runnerToken`, or both
   */
  constructor(name: string, args: GitLabRunnerArgs, opts?: pulumi.ComponentResourceOptions) {
    // Before anything is registered, so that a mistake costs nothing.
    const { manager, jobs, chart, cacheConfig, networkSettings } = settingsOf(name, args);
    const secrets = args.runnerToken === undefined ? {} : { runnerToken: pulumi.secret(args.runnerToken) };
    super(
      "gitlab-runner:index:GitLabRunner",
      name,
      { ...args, ...secrets, cache: withSecretKeys(args.cache) },
      pulumi.mergeOptions(opts, { hooks: changeHooks(name) }),
    );
    const parent = { parent: this };
    const { gitlabUrl = "https://gitlab.com", linkerd = false, rotation } = args;
    const podSecurity = args.podSecurity ?? (linkerd ? "privileged" : "baseline");

    const registration =
      args.registration && new RunnerRegistration(`${name}-registration`, { ...args.registration, rotation }, parent);
    const token = args.runnerToken ?? registration?.token ?? "";

    const cache = cacheConfig && cacheStore(`${name}-cache`, cacheConfig, rotation, parent);

    const network = networkSettings && {
      app: name,
      gitlabUrl,
      cache: cacheConfig,
      metrics: manager.metrics,
      linkerd,
      settings: networkSettings,
    };
    const everywhere = { podSecurity, linkerd, shutdownTimeout: manager.shutdownTimeout };
    const forManager = { networkPolicies: network && managerNetworkPolicies(network) };
    const forJobs = {
      quota: args.quota,
      // For services and init containers: as little as the helper asks for, as much as a build may use.
      containerDefaults: args.quota && { requests: jobs.helperResources.requests, limits: jobs.resources.limits },
      networkPolicies: network && jobNetworkPolicies(network),
    };
    const shared = { ...forJobs, networkPolicies: { ...forManager.networkPolicies, ...forJobs.networkPolicies } };
    const namespace = new RunnerNamespace(
      `${name}-namespace`,
      { ...everywhere, ...(jobs.namespace === undefined ? shared : forManager), name: args.namespace ?? name },
      parent,
    );
    const jobNamespace =
      jobs.namespace === undefined
        ? namespace
        : new RunnerNamespace(`${name}-jobs`, { ...everywhere, ...forJobs, name: jobs.namespace }, parent);

    const credentials = new RunnerCredentials(
      `${name}-credentials`,
      { namespace: namespace.name, token, cacheKeys: cache },
      parent,
    );

    const access = new RunnerAccess(
      `${name}-access`,
      {
        namespace: namespace.name,
        jobNamespace: jobNamespace.name,
        release: name,
        jobAccount: jobs.serviceAccount,
      },
      parent,
    );

    const trust =
      args.caCertificate === undefined
        ? undefined
        : new RunnerTrust(
            `${name}-trust`,
            {
              caCertificate: args.caCertificate,
              gitlabUrl,
              namespace: namespace.name,
              jobNamespace: jobNamespace.name,
            },
            parent,
          );

    const release = new RunnerRelease(
      `${name}-release`,
      {
        release: name,
        namespace: namespace.name,
        jobNamespace: jobNamespace.name,
        gitlabUrl,
        managerAccount: access.managerAccount,
        jobAccount: access.jobAccount,
        tokenSecret: credentials.tokenSecret,
        cacheSecret: credentials.cacheSecret,
        cache: cache?.location,
        certsSecret: trust?.certsSecret ?? manager.certsSecret,
        jobCertificates: trust?.jobCertificates,
        podSecurity,
        manager,
        jobs,
        linkerd,
        chart,
      },
      parent,
    );

    if (manager.alerts || manager.dashboard) {
      new RunnerMonitoring(
        `${name}-monitoring`,
        {
          release: name,
          namespace: namespace.name,
          jobNamespace: jobNamespace.name,
          checkInterval: manager.checkInterval,
          alerts: manager.alerts,
          dashboard: manager.dashboard,
          labels: manager.monitoringLabels,
        },
        parent,
      );
    }

    this.runnerId = registration?.runnerId;
    this.runnerPage = registration && runnerPage(gitlabUrl, args.registration, registration.runnerId);
    this.runnerTags = registration?.tags;
    this.enabledProjects = registration?.enabledProjects;
    this.namespace = namespace.name;
    this.jobNamespace = jobNamespace.name;
    this.release = release.status.apply(({ name, chart, version, appVersion, status }) => ({
      name,
      chart: `${chart}-${version}`,
      appVersion,
      status,
    }));
    this.cacheBucket = cache?.location.bucket;
    this.tokenSecret = credentials.tokenSecret;
    this.cacheSecret = credentials.cacheSecret;
    this.nextSteps = pulumi
      .all([this.namespace, this.jobNamespace, this.release.name])
      .apply(([namespace, jobNamespace, app]) => [
        `kubectl --namespace ${namespace} get pods --selector app=${app}`,
        `kubectl --namespace ${namespace} logs --selector app=${app} --container ${app} --tail 20`,
        `kubectl --namespace ${jobNamespace} get pods --watch`,
      ]);
    this.registerOutputs({
      runnerId: this.runnerId,
      runnerPage: this.runnerPage,
      runnerTags: this.runnerTags,
      enabledProjects: this.enabledProjects,
      namespace: this.namespace,
      jobNamespace: this.jobNamespace,
      release: this.release,
      cacheBucket: this.cacheBucket,
      tokenSecret: this.tokenSecret,
      cacheSecret: this.cacheSecret,
      nextSteps: this.nextSteps,
    });
  }
}

/** @returns all settings with their defaults; throws where one is wrong */
function settingsOf(name: string, args: GitLabRunnerArgs) {
  if (!/^[a-z]([-a-z0-9]{0,51}[a-z0-9])?$/.test(name)) {
    throw new pulumi.RunError(
      `GitLabRunner ${name}: the name must be a DNS label of at most 53 characters: a-z, 0-9 and -.`,
    );
  }
  if ((args.registration === undefined) === (args.runnerToken === undefined)) {
    throw new pulumi.RunError(`GitLabRunner ${name} needs either registration or runnerToken, and not both.`);
  }
  const { networkPolicy = false } = args;
  return {
    manager: complete(managerSettings, name, "manager", args.manager),
    jobs: complete(jobSettings, name, "jobs", args.jobs),
    chart: complete(chartSettings, name, "chart", args.chart),
    cacheConfig: args.cache === false ? undefined : complete(cacheSettings, name, "cache", args.cache),
    networkSettings:
      networkPolicy === false
        ? undefined
        : complete(networkPolicySettings, name, "networkPolicy", networkPolicy === true ? {} : networkPolicy),
  };
}

/** @returns the settings with all their defaults */
function complete<Schema extends z.ZodType>(
  schema: Schema,
  name: string,
  key: string,
  settings: z.input<Schema> | undefined,
): z.output<Schema> {
  const parsed = schema.safeParse(settings ?? {}, { error: errorMessage });
  if (!parsed.success) {
    throw new pulumi.RunError(`GitLabRunner ${name}, ${key}:\n${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}

/** The keys of the cache and where it is: in a bucket made in MinIO, or in a store that something else keeps. */
function cacheStore(
  name: string,
  settings: CacheSettings,
  rotation: pulumi.Input<string | undefined>,
  opts: pulumi.ComponentResourceOptions,
) {
  const { bucket = name, server, region, insecure, credentials } = settings;
  if (credentials !== undefined) {
    return {
      accessKey: pulumi.secret(credentials.accessKey),
      secretKey: pulumi.secret(credentials.secretKey),
      location: { bucket: pulumi.output(bucket), server, region, insecure },
    };
  }
  const quota = settings.quota === undefined ? undefined : parseQuantity(settings.quota);
  const made = new BuildCache(name, { ...settings, bucket, quota, rotation }, opts);
  const { accessKey, secretKey } = made;
  return { accessKey, secretKey, location: { bucket: made.bucket, server: made.server, region, insecure } };
}

/** Marks the keys as secrets; what the engine keeps of a component's inputs would show them otherwise. */
function withSecretKeys(cache: CacheArgs | false | undefined): CacheArgs | false | undefined {
  if (cache === undefined || cache === false || cache.credentials === undefined) {
    return cache;
  }
  const { accessKey, secretKey } = cache.credentials;
  return { ...cache, credentials: { accessKey: pulumi.secret(accessKey), secretKey: pulumi.secret(secretKey) } };
}

/**
 * GitLab's own short addresses for what has no path here, only an id.
 * Source: https://docs.gitlab.com/user/project/working_with_projects/#access-a-project-by-using-the-project-id and
 * https://docs.gitlab.com/user/group/#access-a-group-by-using-the-group-id
 */
function runnerPage(
  gitlabUrl: pulumi.Input<string>,
  { runnerType, projectId, groupId }: RunnerRegistrationArgs,
  runnerId: pulumi.Output<number>,
): pulumi.Output<string> {
  return pulumi.all([gitlabUrl, runnerType, projectId, groupId, runnerId]).apply(([url, type, project, group, id]) => {
    const paths = {
      project: `projects/${project ?? ""}`,
      group: `-/g/${group ?? ""}`,
      instance: `admin/runners/${id}`,
    };
    return `${url.replace(/\/+$/, "")}/${paths[type]}`;
  });
}
