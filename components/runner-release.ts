import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { chartValues } from "./chart-values.ts";
import type { ChartSettings } from "./settings/chart.ts";
import type { JobSettings } from "./settings/jobs.ts";
import type { ManagerSettings } from "./settings/manager.ts";
import type { PodSecurityLevel } from "./settings/namespace.ts";

/** Where the runner finds its build cache. */
export interface CacheLocation {
  /** `host:port` of the object store. */
  readonly server: string;
  /** Name of the bucket. */
  readonly bucket: string;
  /** Prefix of the cache's objects; undefined for none. */
  readonly path?: string;
  /** Region of the bucket. */
  readonly region: string;
  /** Use plain HTTP to connect to the server. */
  readonly insecure: boolean;
}

/** Inputs of the chart's values and the runner's configuration. */
export interface Release {
  /** Name of the Helm release and its Deployment, and the value of its pods' label `app`. */
  readonly name: string;
  /** Namespace of the manager. */
  readonly namespace: string;
  /** Namespace of the job pods. */
  readonly jobNamespace: string;
  /** URL of the GitLab instance that the runner polls. */
  readonly gitlabUrl: string;
  /** ServiceAccount of the manager. */
  readonly managerAccount: string;
  /** ServiceAccount of the job pods. */
  readonly jobAccount: string;
  /** Name of the Secret with the runner's token. */
  readonly tokenSecret: string;
  /** Name of the Secret with the cache's keys; undefined without a cache. */
  readonly cacheSecret: string | undefined;
  /** Where the cache is; undefined without a cache. */
  readonly cache: CacheLocation | undefined;
  /** Name of a Secret with certificates that the manager trusts; undefined for none. */
  readonly certsSecret: string | undefined;
  /** Name of a ConfigMap whose `ca.crt` the jobs' helper trusts; undefined for none. */
  readonly jobCertificates: string | undefined;
  /** Pod Security level that the job pods must meet. */
  readonly podSecurity: PodSecurityLevel;
  /** Inject Linkerd's proxy into manager and job pods. */
  readonly linkerd: boolean;
  /** Settings of the manager. */
  readonly manager: ManagerSettings;
  /** Settings of the job pods. */
  readonly jobs: JobSettings;
  /** Other keys of `[[runners]]`; undefined for none. */
  readonly runnerConfig: Readonly<Record<string, unknown>> | undefined;
  /** The chart, and the timeout of its installation. */
  readonly chart: ChartSettings;
}

/** Inputs of {@link RunnerRelease}: a {@link Release} with plain values for the settings that decide what is created. */
export type RunnerReleaseArgs = {
  readonly [Key in keyof Release]: Key extends "manager" | "chart" ? Release[Key] : pulumi.Input<Release[Key]>;
};

/** The Helm release of GitLab's chart, which runs the runner manager. */
export class RunnerRelease extends pulumi.ComponentResource {
  /** Helm's view of the release: name, namespace, chart and app version, revision, `deployed` or another status. */
  readonly status: pulumi.Output<k8s.types.output.helm.v3.ReleaseStatus>;
  /** Names of the Kubernetes objects that the chart created, by kind. */
  readonly resourceNames: pulumi.Output<Record<string, string[]>>;

  constructor(name: string, args: RunnerReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gitlab-runner:index:RunnerRelease", name, args, opts);
    const { chart, manager } = args;
    const limit = chart.timeoutSeconds + 60;

    const release = new k8s.helm.v3.Release(
      name,
      {
        // A fixed name: the chart derives the pods' label `app` from it, and a generated name would change that, too.
        // Source: https://gitlab.com/gitlab-org/charts/gitlab-runner/-/blob/main/templates/_helpers.tpl
        name: args.name,
        namespace: args.namespace,
        ...(chart.path === undefined
          ? {
              chart: "gitlab-runner",
              version: chart.version,
              repositoryOpts: { repo: chart.repository ?? "https://charts.gitlab.io" },
            }
          : { chart: chart.path }),
        timeout: chart.timeoutSeconds,
        values: pulumi.output(args).apply(chartValues),
      },
      {
        parent: this,
        // Helm's timeout is shorter, since its message says which pods were not ready.
        customTimeouts: { create: `${limit}s`, update: `${limit}s`, delete: `${limit}s` },
      },
    );

    if (manager.replicas > 1) {
      new k8s.policy.v1.PodDisruptionBudget(
        `${name}-disruption-budget`,
        {
          metadata: { name: args.name, namespace: args.namespace },
          spec: { maxUnavailable: 1, selector: { matchLabels: { app: args.name } } },
        },
        { parent: this },
      );
    }

    this.status = release.status;
    this.resourceNames = release.resourceNames;
    this.registerOutputs({ status: this.status, resourceNames: this.resourceNames });
  }
}
