import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { chartValues, defaultValues, withFurtherValues } from "./chart-values.ts";
import { configToml, type CacheLocation } from "./config-toml.ts";
import type { ChartSettings, JobSettings, ManagerSettings, PodSecurityLevel } from "./settings.ts";

/** Inputs of {@link RunnerRelease}. */
export interface RunnerReleaseArgs {
  /** Name of the Helm release, of the Deployment, and the value of its pods' label `app`. */
  readonly release: pulumi.Input<string>;
  /** Namespace of the manager. */
  readonly namespace: pulumi.Input<string>;
  /** Namespace of the job pods. */
  readonly jobNamespace: pulumi.Input<string>;
  /** Address of GitLab that the runner polls. */
  readonly gitlabUrl: pulumi.Input<string>;
  /** ServiceAccount of the manager. */
  readonly managerAccount: pulumi.Input<string>;
  /** ServiceAccount of the job pods. */
  readonly jobAccount: pulumi.Input<string>;
  /** Name of the Secret with the runner's token. */
  readonly tokenSecret: pulumi.Input<string>;
  /** Name of the Secret with the cache's keys. @defaultValue no cache */
  readonly cacheSecret?: pulumi.Input<string>;
  /** Where the cache is: its `server` as `host:port`, `bucket`, `region`, and whether HTTP is `insecure`. @defaultValue no cache */
  readonly cache?: pulumi.Input<{
    readonly [key in keyof CacheLocation]: pulumi.Input<CacheLocation[key]>;
  }>;
  /** Name of a Secret with certificates that the manager trusts. @defaultValue none */
  readonly certsSecret?: pulumi.Input<string>;
  /** Name of a ConfigMap whose `ca.crt` the jobs' helper trusts. @defaultValue none */
  readonly jobCertificates?: pulumi.Input<string>;
  /** Settings of the manager. Plain values, since its replicas decide what is created. */
  readonly manager: ManagerSettings;
  /** Settings of the job pods. */
  readonly jobs: pulumi.Input<JobSettings>;
  /** Pod Security level that the job pods must meet. */
  readonly podSecurity: pulumi.Input<PodSecurityLevel>;
  /** Let Linkerd inject its proxy into manager and job pods. @defaultValue false */
  readonly linkerd?: pulumi.Input<boolean>;
  /** Which chart, and how long it may take. */
  readonly chart: ChartSettings;
}

/** The Helm release of GitLab's chart: the runner manager, at work. */
export class RunnerRelease extends pulumi.ComponentResource {
  /** What Helm says of the release: name, namespace, chart and app version, revision, `deployed` or another status. */
  readonly status: pulumi.Output<k8s.types.output.helm.v3.ReleaseStatus>;
  /** Names of the Kubernetes objects that the chart made, by kind. */
  readonly resourceNames: pulumi.Output<Record<string, string[]>>;

  constructor(name: string, args: RunnerReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gitlab-runner:index:RunnerRelease", name, args, opts);
    const { chart, manager } = args;
    const limit = chart.timeoutSeconds + 60;

    const toml = pulumi
      .output({
        namespace: args.jobNamespace,
        jobAccount: args.jobAccount,
        jobs: args.jobs,
        linkerd: args.linkerd,
        podSecurity: args.podSecurity,
        jobCertificates: args.jobCertificates,
        cache: args.cache,
      })
      .apply((config) =>
        configToml({
          ...config,
          requestConcurrency: manager.requestConcurrency,
          linkerd: config.linkerd ?? false,
          jobCertificates: config.jobCertificates,
          cache: config.cache,
        }),
      );

    const release = new k8s.helm.v3.Release(
      name,
      {
        // Named, since with a generated name the pods' label `app` would change too (pitfall 12).
        name: args.release,
        namespace: args.namespace,
        ...(chart.path === undefined
          ? {
              chart: "gitlab-runner",
              version: chart.version,
              repositoryOpts: { repo: chart.repository ?? "https://charts.gitlab.io" },
            }
          : { chart: chart.path }),
        timeout: chart.timeoutSeconds,
        values: pulumi
          .output({
            gitlabUrl: args.gitlabUrl,
            release: args.release,
            managerAccount: args.managerAccount,
            tokenSecret: args.tokenSecret,
            cacheSecret: args.cacheSecret,
            certsSecret: args.certsSecret,
            configToml: toml,
            linkerd: args.linkerd,
          })
          .apply((config) =>
            withFurtherValues(
              chartValues({ ...config, manager, certsSecret: config.certsSecret, linkerd: config.linkerd ?? false }),
              { ...defaultValues, ...chart.values },
            ),
          ),
      },
      {
        parent: this,
        // Helm's own limit comes first, since its message says which pods were not ready.
        customTimeouts: { create: `${limit}s`, update: `${limit}s`, delete: `${limit}s` },
      },
    );

    if (manager.replicas > 1) {
      new k8s.policy.v1.PodDisruptionBudget(
        `${name}-disruption-budget`,
        {
          metadata: { name: args.release, namespace: args.namespace },
          spec: { maxUnavailable: 1, selector: { matchLabels: { app: args.release } } },
        },
        { parent: this },
      );
    }

    this.status = release.status;
    this.resourceNames = release.resourceNames;
    this.registerOutputs({ status: this.status, resourceNames: this.resourceNames });
  }
}
