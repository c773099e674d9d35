import * as pulumi from "@pulumi/pulumi";
import { BuildCache } from "./build-cache.ts";
import { changeHooks } from "./change-warnings.ts";
import type { GitLabRunnerArgs } from "./gitlab-runner-args.ts";
import { jobNetworkPolicies, managerNetworkPolicies, type NetworkNeeds } from "./network-policies.ts";
import { parseQuantity } from "./quantity.ts";
import { RunnerAccess } from "./runner-access.ts";
import { RunnerCredentials } from "./runner-credentials.ts";
import { RunnerMonitoring } from "./runner-monitoring.ts";
import { RunnerNamespace, type RunnerNamespaceArgs } from "./runner-namespace.ts";
import { RunnerRegistration } from "./runner-registration.ts";
import { RunnerRelease, type CacheLocation } from "./runner-release.ts";
import { RunnerTrust } from "./runner-trust.ts";
import { withSecretKeys, type CacheSettings } from "./settings/cache.ts";
import { completeSettings, type CompleteSettings } from "./settings/check.ts";
import type { RegistrationSettings } from "./settings/registration.ts";
import { containerDefaults } from "./settings/resources.ts";

export type { GitLabRunnerArgs } from "./gitlab-runner-args.ts";

/** A dedicated GitLab runner for a Kubernetes cluster, from its registration in GitLab to its first request for jobs. */
export class GitLabRunner extends pulumi.ComponentResource {
  /** Id of the runner in GitLab; undefined for an existing runner. */
  readonly runnerId: pulumi.Output<number> | undefined;
  /** URL of the runner's page in GitLab, or of the project or group that owns it; undefined for an existing runner. */
  readonly runnerPage: pulumi.Output<string> | undefined;
  /** Tags whose jobs the runner picks up; undefined for an existing runner. */
  readonly runnerTags: pulumi.Output<string[]> | undefined;
  /** Additional projects that may use the runner; undefined for an existing runner. */
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
    /** `deployed`, or another status that Helm reports. */
    status: string;
  }>;
  /** Bucket of the build cache; undefined without a cache. */
  readonly cacheBucket: pulumi.Output<string> | undefined;
  /** Name of the Secret with the runner's token, in the manager's namespace; changes with each rotation. */
  readonly tokenSecret: pulumi.Output<string>;
  /** Name of the Secret with the cache's keys, in the manager's namespace; undefined without a cache. */
  readonly cacheSecret: pulumi.Output<string> | undefined;
  /** Commands that show whether the runner works. */
  readonly nextSteps: pulumi.Output<string[]>;

  /**
   * @param name a DNS label of at most 53 characters: the name of the Helm release, the default name of the namespace, and
   * with `-cache` the default name of the bucket. Each runner needs its own name.
   * @param args settings of the runner
   * @param opts Pulumi's component resource options, such as `providers`
   * @throws pulumi.RunError if the name or a setting is invalid, or unless exactly one of `registration` and `runnerToken` is set
   */
  constructor(name: string, args: GitLabRunnerArgs, opts?: pulumi.ComponentResourceOptions) {
    // Checked before any resource is registered, so that a mistake changes nothing.
    const settings = completeSettings(name, args);
    super(
      "gitlab-runner:index:GitLabRunner",
      name,
      withSecrets(args),
      pulumi.mergeOptions(opts, { hooks: changeHooks(name) }),
    );
    const parent = { parent: this };
    const { gitlabUrl, owner, rotation, podSecurity, linkerd, manager, jobs, chart } = settings;

    const runner =
      "registration" in owner
        ? new RunnerRegistration(`${name}-registration`, { ...owner.registration, rotation }, parent)
        : { token: owner.runnerToken };
    const cache = settings.cache === false ? undefined : cacheStore(`${name}-cache`, settings.cache, rotation, parent);

    const apart = jobs.namespace;
    const namespace = new RunnerNamespace(
      `${name}-namespace`,
      namespaceArgs(settings, settings.namespace, { manager: true, jobs: apart === undefined }),
      parent,
    );
    const jobNamespace =
      apart === undefined
        ? namespace
        : new RunnerNamespace(`${name}-jobs`, namespaceArgs(settings, apart, { manager: false, jobs: true }), parent);
    const namespaces = { namespace: namespace.name, jobNamespace: jobNamespace.name };

    const credentials = new RunnerCredentials(
      `${name}-credentials`,
      { namespace: namespace.name, token: runner.token, cacheKeys: cache },
      parent,
    );
    const access = new RunnerAccess(
      `${name}-access`,
      { ...namespaces, release: name, jobAccount: jobs.serviceAccount },
      parent,
    );
    const trust =
      settings.caCertificate === undefined
        ? undefined
        : new RunnerTrust(`${name}-trust`, { ...namespaces, caCertificate: settings.caCertificate, gitlabUrl }, parent);
    const release = new RunnerRelease(
      `${name}-release`,
      {
        ...namespaces,
        name,
        gitlabUrl,
        managerAccount: access.managerAccount,
        jobAccount: access.jobAccount,
        tokenSecret: credentials.tokenSecret,
        cacheSecret: credentials.cacheSecret,
        cache: cache?.location,
        certsSecret: trust?.certsSecret ?? manager.certsSecret,
        jobCertificates: trust?.jobCertificates,
        podSecurity,
        linkerd,
        manager,
        jobs,
        runnerConfig: settings.runnerConfig,
        chart,
      },
      parent,
    );
    if (manager.alerts || manager.dashboard) {
      new RunnerMonitoring(
        `${name}-monitoring`,
        {
          ...namespaces,
          release: name,
          checkInterval: manager.checkInterval,
          alerts: manager.alerts,
          dashboard: manager.dashboard,
          labels: manager.monitoringLabels,
        },
        parent,
      );
    }

    const registration = runner instanceof RunnerRegistration ? runner : undefined;
    this.runnerId = registration?.runnerId;
    this.runnerPage =
      registration && "registration" in owner
        ? runnerPage(gitlabUrl, owner.registration, registration.runnerId)
        : undefined;
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
    this.cacheBucket = cache?.bucket;
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

/** @returns the arguments of a namespace for the pods that run in it */
function namespaceArgs(
  settings: CompleteSettings,
  name: string,
  runs: { readonly manager: boolean; readonly jobs: boolean },
): RunnerNamespaceArgs {
  const { podSecurity, linkerd, manager, jobs, quota } = settings;
  const needs = networkNeeds(settings);
  return {
    name,
    podSecurity,
    linkerd,
    shutdownTimeout: manager.shutdownTimeout,
    ...(runs.jobs && quota !== undefined
      ? {
          quota,
          containerDefaults: containerDefaults(jobs.resources, jobs.helperResources),
        }
      : {}),
    networkPolicies: {
      ...(runs.manager ? managerNetworkPolicies(needs) : {}),
      ...(runs.jobs ? jobNetworkPolicies(needs) : {}),
    },
  };
}

/** @returns what pods must be able to reach */
function networkNeeds(settings: CompleteSettings): NetworkNeeds {
  const { name, gitlabUrl, networkPolicy, cache, manager, jobs, linkerd } = settings;
  return {
    app: name,
    gitlabUrl,
    cache: cache === false ? undefined : cache,
    metrics: manager.metrics,
    linkerd,
    cloudMetadata: jobs.cloudMetadata,
    settings: networkPolicy,
  };
}

/** The cache's keys and location: a bucket created in MinIO, or a store that is managed elsewhere. */
function cacheStore(
  name: string,
  settings: CacheSettings,
  rotation: pulumi.Input<string> | undefined,
  opts: pulumi.ComponentResourceOptions,
) {
  const { bucket = name, server, region, insecure, path, credentials } = settings;
  const location = (bucket: pulumi.Input<string>): pulumi.Input<CacheLocation> =>
    pulumi.output({ bucket, server, region, insecure, path });
  if (credentials !== undefined) {
    const { accessKey, secretKey } = withSecretKeys(credentials);
    return { accessKey, secretKey, bucket: pulumi.output(bucket), location: location(bucket) };
  }
  const quota = settings.quota === undefined ? undefined : parseQuantity(settings.quota);
  const made = new BuildCache(name, { ...settings, bucket, quota, rotation }, opts);
  const { accessKey, secretKey } = made;
  return { accessKey, secretKey, bucket: made.bucket, location: location(made.bucket) };
}

/** @returns the arguments with secrets marked; otherwise the state would show them in the component's inputs */
function withSecrets(args: GitLabRunnerArgs): GitLabRunnerArgs {
  const { runnerToken, cache } = args;
  return {
    ...args,
    ...(runnerToken === undefined ? {} : { runnerToken: pulumi.secret(runnerToken) }),
    ...(typeof cache !== "object" || cache.credentials === undefined
      ? {}
      : { cache: { ...cache, credentials: withSecretKeys(cache.credentials) } }),
  };
}

/**
 * GitLab's short URLs for projects and groups by id, since their paths are not known here.
 * Source: https://docs.gitlab.com/user/project/working_with_projects/#access-a-project-by-using-the-project-id and
 * https://docs.gitlab.com/user/group/#access-a-group-by-using-the-group-id
 */
function runnerPage(
  gitlabUrl: pulumi.Input<string>,
  { runnerType, projectId, groupId }: RegistrationSettings,
  runnerId: pulumi.Output<number>,
): pulumi.Output<string> {
  return pulumi.all([gitlabUrl, runnerType, projectId, groupId, runnerId]).apply(([url, type, project, group, id]) => {
    const paths = {
      project: `projects/${project ?? ""}`,
      group: `-/g/${group ?? ""}`,
      instance: `admin/runners/${id}`,
    };
    return `${url.replace(/(?<!\/)\/+$/, "")}/${paths[type]}`;
  });
}
