import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { chartValues } from "./chart-values.ts";
import { configToml, type CacheLocation } from "./config-toml.ts";
import type { ChartSettings, JobSettings, ManagerSettings } from "./settings.ts";

/** Inputs of {@link RunnerRelease}. */
export interface RunnerReleaseArgs {
  /** Name of the Helm release, of the Deployment, and the value of its pods' label `app`. */
  readonly release: pulumi.Input<string>;
  /** Namespace of the manager and of the job pods. */
  readonly namespace: pulumi.Input<string>;
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
  /** Where the cache is. @defaultValue no cache */
  readonly cache?: pulumi.Input<{
    readonly [key in keyof CacheLocation]: pulumi.Input<CacheLocation[key]>;
  }>;
  /** Changes whenever a credential does, so that the pods start anew with it. */
  readonly credentialsChecksum: pulumi.Input<string>;
  /** Settings of the manager. Plain values, since its replicas decide what is created. */
  readonly manager: ManagerSettings;
  /** Settings of the job pods. */
  readonly jobs: pulumi.Input<JobSettings>;
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
        namespace: args.namespace,
        jobAccount: args.jobAccount,
        jobs: args.jobs,
        linkerd: args.linkerd,
        cache: args.cache,
      })
      .apply((config) => configToml({ ...config, linkerd: config.linkerd ?? false, cache: config.cache }));

    const release = new k8s.helm.v3.Release(
      name,
      {
        // Named, since with a generated name the pods' label `app` would change too (pitfall 12).
        name: args.release,
        namespace: args.namespace,
        ...(chart.path === undefined
          ? { chart: "gitlab-runner", version: chart.version, repositoryOpts: { repo: chart.repository } }
          : { chart: chart.path }),
        timeout: chart.timeoutSeconds,
        values: pulumi
          .output({
            gitlabUrl: args.gitlabUrl,
            release: args.release,
            managerAccount: args.managerAccount,
            tokenSecret: args.tokenSecret,
            cacheSecret: args.cacheSecret,
            credentialsChecksum: args.credentialsChecksum,
            configToml: toml,
            linkerd: args.linkerd,
          })
          .apply((config) => chartValues({ ...config, manager, linkerd: config.linkerd ?? false })),
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
