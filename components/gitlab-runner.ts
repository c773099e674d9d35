import * as pulumi from "@pulumi/pulumi";
import { BuildCache } from "./build-cache.ts";
import { RunnerAccess } from "./runner-access.ts";
import { RunnerCredentials } from "./runner-credentials.ts";
import { RunnerNamespace } from "./runner-namespace.ts";
import { RunnerRegistration, type RunnerRegistrationArgs } from "./runner-registration.ts";
import { RunnerRelease } from "./runner-release.ts";
import type { CacheSettings, ChartSettings, JobSettings, ManagerSettings, PodSecurityLevel } from "./settings.ts";

/** Inputs of {@link GitLabRunner}. */
export interface GitLabRunnerArgs {
  /** Address of GitLab that the runner polls. */
  readonly gitlabUrl: pulumi.Input<string>;
  /** The runner to create in GitLab. */
  readonly registration: RunnerRegistrationArgs;
  /** Namespace to create for the runner and its jobs. */
  readonly namespace: pulumi.Input<string>;
  /** The build cache, or `false` for none. */
  readonly cache: CacheSettings | false;
  /** Settings of the runner manager. */
  readonly manager: ManagerSettings;
  /** Settings of the job pods. */
  readonly jobs: JobSettings;
  /** Let Linkerd inject its proxy into manager and job pods. */
  readonly linkerd: pulumi.Input<boolean>;
  /** The Helm chart. */
  readonly chart: ChartSettings;
  /** Pod Security level of the namespace. */
  readonly podSecurity: pulumi.Input<PodSecurityLevel>;
  /** Limits of what all pods may use together. @defaultValue none */
  readonly quota?: Readonly<Record<string, string>>;
}

/** A GitLab runner of a Kubernetes cluster's own, from its registration in GitLab to its first poll for jobs. */
export class GitLabRunner extends pulumi.ComponentResource {
  /** Id of the runner in GitLab. */
  readonly runnerId: pulumi.Output<number>;
  /** Page where GitLab shows the runner, or what it belongs to. */
  readonly runnerPage: pulumi.Output<string>;
  /** Tags whose jobs the runner picks up. */
  readonly runnerTags: pulumi.Output<string[]>;
  /** The further projects that may use the runner. */
  readonly enabledProjects: pulumi.Output<string[]>;
  /** Namespace of the runner manager and its job pods. */
  readonly namespace: pulumi.Output<string>;
  /** The Helm release: its name, chart and app version, and status. */
  readonly release: pulumi.Output<{ name: string; chart: string; appVersion: string; status: string }>;
  /** Bucket of the build cache; undefined without a cache. */
  readonly cacheBucket: pulumi.Output<string> | undefined;
  /** Commands that show whether the runner is at work. */
  readonly nextSteps: pulumi.Output<string[]>;

  constructor(name: string, args: GitLabRunnerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gitlab-runner:index:GitLabRunner", name, args, opts);
    const parent = { parent: this };

    const registration = new RunnerRegistration(`${name}-registration`, args.registration, parent);

    const cache =
      args.cache === false
        ? undefined
        : new BuildCache(`${name}-cache`, { ...args.cache, rotation: args.registration.rotation }, parent);

    const namespace = new RunnerNamespace(
      `${name}-namespace`,
      {
        name: args.namespace,
        podSecurity: args.podSecurity,
        linkerd: args.linkerd,
        quota: args.quota,
        shutdownTimeout: args.manager.shutdownTimeout,
      },
      parent,
    );

    const credentials = new RunnerCredentials(
      `${name}-credentials`,
      { namespace: namespace.name, release: name, token: registration.token, cacheKeys: cache },
      parent,
    );

    const access = new RunnerAccess(`${name}-access`, { namespace: namespace.name, release: name }, parent);

    const release = new RunnerRelease(
      `${name}-release`,
      {
        release: name,
        namespace: namespace.name,
        gitlabUrl: args.gitlabUrl,
        managerAccount: access.managerAccount,
        jobAccount: access.jobAccount,
        tokenSecret: credentials.tokenSecret,
        cacheSecret: credentials.cacheSecret,
        cache:
          cache && args.cache
            ? { server: cache.server, bucket: cache.bucket, region: args.cache.region, insecure: args.cache.insecure }
            : undefined,
        credentialsChecksum: credentials.checksum,
        manager: args.manager,
        jobs: args.jobs,
        linkerd: args.linkerd,
        chart: args.chart,
      },
      parent,
    );

    this.runnerId = registration.runnerId;
    this.runnerPage = pulumi
      .all([args.gitlabUrl, pulumi.output(args.registration), this.runnerId])
      .apply(([gitlabUrl, owner, runnerId]) => runnerPage(gitlabUrl, owner, runnerId));
    this.runnerTags = registration.tags;
    this.enabledProjects = registration.enabledProjects;
    this.namespace = namespace.name;
    this.release = release.status.apply(({ name, chart, version, appVersion, status }) => ({
      name,
      chart: `${chart}-${version}`,
      appVersion,
      status,
    }));
    this.cacheBucket = cache?.bucket;
    this.nextSteps = pulumi
      .all([this.namespace, this.release.name])
      .apply(([namespace, app]) => [
        `kubectl --namespace ${namespace} get pods --selector app=${app}`,
        `kubectl --namespace ${namespace} logs --selector app=${app} --container gitlab-runner --tail 20`,
        `kubectl --namespace ${namespace} get pods --watch`,
      ]);
    this.registerOutputs({
      runnerId: this.runnerId,
      runnerPage: this.runnerPage,
      runnerTags: this.runnerTags,
      enabledProjects: this.enabledProjects,
      namespace: this.namespace,
      release: this.release,
      cacheBucket: this.cacheBucket,
      nextSteps: this.nextSteps,
    });
  }
}

/**
 * GitLab's own short addresses for what has no path here, only an id.
 * Source: https://docs.gitlab.com/user/project/working_with_projects/#access-a-project-by-using-the-project-id and
 * https://docs.gitlab.com/user/group/#access-a-group-by-using-the-group-id
 */
function runnerPage(gitlabUrl: string, args: pulumi.Unwrap<RunnerRegistrationArgs>, runnerId: number): string {
  const base = gitlabUrl.replace(/\/+$/, "");
  switch (args.runnerType) {
    case "project":
      return `${base}/projects/${args.projectId ?? ""}`;
    case "group":
      return `${base}/-/g/${args.groupId ?? ""}`;
    case "instance":
      return `${base}/admin/runners/${runnerId}`;
  }
}
