// Written by `npm run generate` from the declarations in components/settings.

import type * as pulumi from "@pulumi/pulumi";

/** Inputs of GitLabRunner: either `registration` or `runnerToken`; everything else has a default. */
export interface GitLabRunnerArgs {
  /** Address of GitLab that the runner polls; that of the provider, `gitlab:baseUrl`, may differ. @defaultValue `https://gitlab.com` */
  readonly gitlabUrl?: pulumi.Input<string>;
  /** The runner to create in GitLab. @defaultValue none: `runnerToken` is that of an existing one */
  readonly registration?: RegistrationArgs;
  /** Authentication token, `glrt-…`, of a runner that exists in GitLab; then none is created, and the settings of a new one must not be set. @defaultValue that of the runner that is created */
  readonly runnerToken?: pulumi.Input<string | undefined>;
  /** Change it to any other text, and the runner's token and the cache's keys are replaced, the new before the old. @defaultValue none */
  readonly rotation?: pulumi.Input<string | undefined>;
  /** Namespace to create for the runner and its jobs. @defaultValue the component's name: `gitlab-runner` */
  readonly namespace?: string;
  /** The build cache, or `false` for none. @defaultValue a bucket in MinIO */
  readonly cache?: false | CacheArgs;
  /** The runner manager: the pod that polls GitLab and starts a pod for each job. */
  readonly manager?: ManagerArgs;
  /** The job pods. */
  readonly jobs?: JobArgs;
  /** Other keys of `[[runners]]` in the runner's `config.toml`, by the runner's own names, for what has no setting here; those that this program sets are refused. Source: https://docs.gitlab.com/runner/configuration/advanced-configuration/#the-runners-section @defaultValue none */
  readonly runnerConfig?: Readonly<Record<string, unknown>>;
  /** Let Linkerd inject its proxy into manager and job pods. @defaultValue `false` */
  readonly linkerd?: boolean;
  /** GitLab's Helm chart. */
  readonly chart?: ChartArgs;
  /** Pod Security level of the namespaces: `privileged`, `baseline` or `restricted`. Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ @defaultValue `baseline`, or `privileged` with Linkerd, whose init container needs it */
  readonly podSecurity?: "privileged" | "baseline" | "restricted";
  /** Limits of all pods of the jobs' namespace together, as in a ResourceQuota, such as `requests.cpu`; a job beyond them fails. Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/ @defaultValue none */
  readonly quota?: Readonly<Record<string, string | number>>;
  /** Deny all traffic except what manager and jobs need: `true`, or where they may connect to. @defaultValue `false` */
  readonly networkPolicy?: boolean | NetworkPolicyArgs;
  /** Certificates of your own CA, as PEM without anything else, for GitLab and the object store. @defaultValue none */
  readonly caCertificate?: pulumi.Input<string | undefined>;
}

/** The runner to create in GitLab. */
export interface RegistrationArgs {
  /** What the runner serves: one project (and those it is enabled for), a group, or a whole GitLab instance. @defaultValue `project` */
  readonly runnerType?: pulumi.Input<"project" | "group" | "instance">;
  /** Id of the project that owns the runner; required for `project`, not allowed otherwise. @defaultValue none */
  readonly projectId?: pulumi.Input<number | undefined>;
  /** Id of the group that owns the runner; required for `group`, not allowed otherwise. @defaultValue none */
  readonly groupId?: pulumi.Input<number | undefined>;
  /** Ids or full paths of the other projects that may use a project runner. @defaultValue none */
  readonly extraProjects?: readonly (number | string)[];
  /** Tags whose jobs the runner picks up; may be empty with `runUntagged`. @defaultValue `[kubernetes, homelab]` */
  readonly tags?: pulumi.Input<readonly pulumi.Input<string>[]>;
  /** Also pick up jobs without tags. @defaultValue `false` */
  readonly runUntagged?: pulumi.Input<boolean>;
  /** Lock the runner: it cannot be enabled for other projects. @defaultValue `false` */
  readonly locked?: pulumi.Input<boolean>;
  /** Pause the runner: it takes no new jobs. @defaultValue `false` */
  readonly paused?: pulumi.Input<boolean>;
  /** Run only jobs of protected branches and tags. @defaultValue `false` */
  readonly protectedOnly?: pulumi.Input<boolean>;
  /** Name of the runner in GitLab. @defaultValue none */
  readonly description?: pulumi.Input<string | undefined>;
  /** Note for GitLab's administrators, 1,024 characters at most. @defaultValue none */
  readonly maintenanceNote?: pulumi.Input<string | undefined>;
  /** Longest time that a job may run, in seconds, at least 600. GitLab keeps the limit when it is no longer set, and Pulumi warns of that. @defaultValue the project's own timeout */
  readonly maximumTimeout?: pulumi.Input<number | undefined>;
}

/** The build cache, or `false` for none. */
export interface CacheArgs {
  /** Name of the bucket. @defaultValue the component's name with `-cache`: `gitlab-runner-cache` */
  readonly bucket?: string;
  /** `host:port` of the object store, as the runner and its jobs reach it. @defaultValue `minio.minio.svc.cluster.local:9000` */
  readonly server?: string;
  /** Use plain HTTP to connect to `server`. @defaultValue `true` */
  readonly insecure?: boolean;
  /** Region of the bucket; never empty: the runner would ask AWS for it, and wait 30 s. @defaultValue `us-east-1` */
  readonly region?: string;
  /** Prefix of all objects, one for each GitLab that uses the bucket: they have projects of the same ids. Keys that are created are for it alone. @defaultValue none: `project/<id>/…` */
  readonly path?: string;
  /** Days until a cached object is deleted. @defaultValue `14` */
  readonly expireAfterDays?: number;
  /** The most that the bucket may hold, in bytes, such as `50Gi`. @defaultValue no limit */
  readonly quota?: string | number;
  /** Use an existing bucket, also one that this stack has made, instead of creating one; its lifecycle rules and quota stay. @defaultValue `false` */
  readonly adopt?: boolean;
  /** Delete the bucket with all objects in it when the stack is destroyed; otherwise `pulumi destroy` fails while it has any. @defaultValue `false` */
  readonly deleteWithStack?: boolean;
  /** Keys of an S3-compatible store that is managed elsewhere (AWS S3, Ceph, Garage, …); then nothing is created in MinIO. @defaultValue a pair of keys created in MinIO, for the bucket alone */
  readonly credentials?: {
    /** Access key. */
    readonly accessKey: pulumi.Input<string>;
    /** Secret key. */
    readonly secretKey: pulumi.Input<string>;
  };
}

/** The runner manager: the pod that polls GitLab and starts a pod for each job. */
export interface ManagerArgs {
  /** Most jobs that each manager pod runs at the same time. @defaultValue `4` */
  readonly concurrent?: number;
  /** Seconds between two requests to GitLab for new jobs. @defaultValue `30` */
  readonly checkInterval?: number;
  /** Most requests to GitLab for new jobs at the same time. @defaultValue `1` */
  readonly requestConcurrency?: number;
  /** Number of manager pods; with more than one, a PodDisruptionBudget is created. @defaultValue `1` */
  readonly replicas?: number;
  /** Resources of the manager pod; replaced as a whole. @defaultValue 100m CPU and 128Mi, at most 200m and 256Mi */
  readonly resources?: ContainerResources;
  /** Labels that a node must have to run the manager. @defaultValue none */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Taints that the manager tolerates. @defaultValue none */
  readonly tolerations?: readonly Toleration[];
  /** Affinity of the manager pods, as in Kubernetes. Source: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#affinity-and-anti-affinity @defaultValue none */
  readonly affinity?: {
    /** Nodes to run on. @defaultValue any */
    readonly nodeAffinity?: Readonly<Record<string, unknown>>;
    /** Pods to run close to. @defaultValue none */
    readonly podAffinity?: Readonly<Record<string, unknown>>;
    /** Pods to keep away from. @defaultValue none */
    readonly podAntiAffinity?: Readonly<Record<string, unknown>>;
  };
  /** PriorityClass of the manager pods. @defaultValue none */
  readonly priorityClassName?: string;
  /** Seconds that running jobs have to finish when a manager pod stops, as in every rollout. @defaultValue `3600` */
  readonly shutdownTimeout?: number;
  /** Lowest level that the manager logs. @defaultValue `info` */
  readonly logLevel?: "debug" | "info" | "warn" | "error" | "fatal" | "panic";
  /** Format of the manager's log. @defaultValue `runner` */
  readonly logFormat?: "runner" | "text" | "json";
  /** Serve Prometheus metrics on port 9252. @defaultValue `false` */
  readonly metrics?: boolean;
  /** Create a PodMonitor for the metrics; needs the Prometheus Operator. @defaultValue `false` */
  readonly podMonitor?: boolean;
  /** Create a PrometheusRule with alerts; needs the Prometheus Operator. @defaultValue `false` */
  readonly alerts?: boolean;
  /** Create a ConfigMap with a dashboard of the metrics, which Grafana's sidecar finds. @defaultValue `false` */
  readonly dashboard?: boolean;
  /** Labels of PodMonitor and PrometheusRule, by which the Prometheus Operator selects them. @defaultValue none */
  readonly monitoringLabels?: Readonly<Record<string, string>>;
  /** Image of the manager, with a tag; the chart supports no digests. @defaultValue the chart's own, `registry.gitlab.com/gitlab-org/gitlab-runner:alpine-v…` */
  readonly image?: string;
  /** Name of an existing Secret in the manager's namespace with certificates to trust, each named after its host: `gitlab.example.com.crt`. `caCertificate` creates one. @defaultValue none */
  readonly certsSecret?: string;
}

/** Resource requests and limits of a container. */
export interface ContainerResources {
  /** Resources that are reserved for the container on its node. @defaultValue nothing */
  readonly requests?: ResourceList;
  /** The most that the container may use. @defaultValue no limit */
  readonly limits?: ResourceList;
}

/** CPU, memory and disk space, as Kubernetes quantities. */
export interface ResourceList {
  /** CPU: cores, such as `2` or `0.5`, or millicores, such as `500m`. @defaultValue none */
  readonly cpu?: string | number;
  /** Memory in bytes, such as `512Mi` or `2Gi`. @defaultValue none */
  readonly memory?: string | number;
  /** Space on the node's own disk in bytes, such as `10Gi`. @defaultValue none */
  readonly "ephemeral-storage"?: string | number;
}

/** A Kubernetes toleration. */
export interface Toleration {
  /** Key of the taint. @defaultValue any key; `operator` must then be `Exists` */
  readonly key?: string;
  /** `Equal`: taints with this `value`; `Exists`: taints with any value. @defaultValue `Equal` */
  readonly operator?: "Exists" | "Equal";
  /** Value of the taint, with `Equal` only. @defaultValue the empty value */
  readonly value?: string;
  /** Effect of the taint. @defaultValue all effects */
  readonly effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  /** Seconds that a pod may stay on a node after the taint was added, with `NoExecute` only. @defaultValue no limit */
  readonly tolerationSeconds?: number;
}

/** The job pods. */
export interface JobArgs {
  /** Image of jobs that name none. @defaultValue `alpine:latest` */
  readonly image?: string;
  /** Image of the helper (clone, cache, artifacts), such as a copy in your own registry. @defaultValue the runner's own, `registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:…` */
  readonly helperImage?: string;
  /** Run job containers privileged; every job can then become root on its node. @defaultValue `false` */
  readonly privileged?: boolean;
  /** Resources of the build container; replaced as a whole. @defaultValue 500m CPU and 512Mi, at most 2 and 2Gi */
  readonly resources?: ContainerResources;
  /** Resources of the helper container (clone, cache, artifacts); replaced as a whole. @defaultValue 100m CPU and 64Mi, at most 500m and 256Mi */
  readonly helperResources?: ContainerResources;
  /** Resources of each service container. @defaultValue none */
  readonly serviceResources?: ContainerResources;
  /** The most that a job may request by variables such as `KUBERNETES_CPU_REQUEST`, by container. Source: https://docs.gitlab.com/runner/executors/kubernetes/#overwrite-container-resources @defaultValue nothing: jobs get what is configured */
  readonly overwriteMaxAllowed?: {
    /** For the build container. @defaultValue nothing */
    readonly build?: OverwriteMaximum;
    /** For the helper container. @defaultValue nothing */
    readonly helper?: OverwriteMaximum;
    /** For each service container. @defaultValue nothing */
    readonly service?: OverwriteMaximum;
  };
  /** How images are pulled, tried in this order. @defaultValue `[if-not-present]` */
  readonly pullPolicy?: readonly ("always" | "if-not-present" | "never")[];
  /** Names of Secrets to pull images with, in the jobs' namespace. @defaultValue none */
  readonly imagePullSecrets?: readonly string[];
  /** Images that jobs may use, as patterns such as `registry.example.com/**`. @defaultValue all */
  readonly allowedImages?: readonly string[];
  /** Images that jobs may use as services, as patterns. @defaultValue all */
  readonly allowedServices?: readonly string[];
  /** Variables of every job, such as those of a proxy; no place for secrets. `$NAME` stands for another variable of the job, `$$` for `$`. @defaultValue none */
  readonly environment?: Readonly<Record<string, string>>;
  /** Labels that a node must have to run jobs. @defaultValue none */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Taints that job pods tolerate; the runner supports neither `tolerationSeconds` nor two tolerations of the same key and value. @defaultValue none */
  readonly tolerations?: readonly Toleration[];
  /** PriorityClass of the job pods. @defaultValue none */
  readonly priorityClassName?: string;
  /** RuntimeClass of the job pods, such as `gvisor`. @defaultValue none */
  readonly runtimeClassName?: string;
  /** Labels of job pods; values may have variables of the job, such as `$CI_PROJECT_ID`. @defaultValue none */
  readonly podLabels?: Readonly<Record<string, string>>;
  /** Annotations of job pods; values may have variables of the job. @defaultValue none */
  readonly podAnnotations?: Readonly<Record<string, string>>;
  /** Name of an existing ServiceAccount for job pods, which get no token of it by themselves. @defaultValue their own, without rights */
  readonly serviceAccount?: string;
  /** Mount the token of `serviceAccount` into job pods; every job can then do what the account may. @defaultValue `false` */
  readonly automountServiceAccountToken?: boolean;
  /** Namespace for job pods alone, to create. @defaultValue the manager's */
  readonly namespace?: string;
  /** Let jobs reach the cloud's metadata service, and with it the credentials of their node. @defaultValue `false` */
  readonly cloudMetadata?: boolean;
  /** Scheduler of the job pods. @defaultValue the cluster's default */
  readonly schedulerName?: string;
  /** Entries of the pods' `/etc/hosts`. @defaultValue none */
  readonly hostAliases?: readonly HostAlias[];
  /** DNS policy of the pods, in the runner's spelling. Source: https://docs.gitlab.com/runner/executors/kubernetes/#configure-pod-dns-settings @defaultValue `cluster-first` */
  readonly dnsPolicy?: "none" | "default" | "cluster-first" | "cluster-first-with-host-net";
  /** DNS servers, domains and options of the pods. @defaultValue those of `dnsPolicy` */
  readonly dnsConfig?: DnsConfig;
  /** Linux capabilities of the job pods' containers. Source: https://docs.gitlab.com/runner/executors/kubernetes/#specify-container-capabilities @defaultValue those of the container runtime */
  readonly capabilities?: {
    /** Capabilities to add. @defaultValue none */
    readonly add?: readonly string[];
    /** Capabilities to drop, or `ALL`. @defaultValue none, or `ALL` where `podSecurity` is `restricted` */
    readonly drop?: readonly string[];
  };
  /** Pull policies that a job may choose for its image. @defaultValue those of `pullPolicy` */
  readonly allowedPullPolicies?: readonly ("always" | "if-not-present" | "never")[];
  /** Flavor of the helper's image, such as `ubuntu`. @defaultValue `alpine` */
  readonly helperImageFlavor?: string;
  /** Seconds that a pod may take to start, which includes the time until the cluster has room for it. @defaultValue the runner's own, `180` */
  readonly pollTimeout?: number;
  /** Seconds that the processes of a pod have to end when it is deleted. @defaultValue the cluster's own, `30` */
  readonly terminationGracePeriodSeconds?: number;
  /** Seconds that a pod has to end after its job. @defaultValue `terminationGracePeriodSeconds` */
  readonly cleanupGracePeriodSeconds?: number;
  /** Most attempts at a request to the Kubernetes API. @defaultValue the runner's own, `5` */
  readonly retryLimit?: number;
  /** Address of GitLab that jobs clone from, if it differs from `gitlabUrl`. @defaultValue `gitlabUrl` */
  readonly cloneUrl?: string;
  /** Most of a job's log, in KiB. @defaultValue the runner's own, `4096` */
  readonly outputLimit?: number;
  /** Commands to run before each clone; no place for secrets. @defaultValue none */
  readonly preGetSourcesScript?: string;
  /** Commands to run before each job's own; no place for secrets. @defaultValue none */
  readonly preBuildScript?: string;
  /** Commands to run after each job's own, before its `after_script`; no place for secrets. @defaultValue none */
  readonly postBuildScript?: string;
  /** Patches of the job pods' specification, for what has no setting here; a beta feature of the runner. Source: https://docs.gitlab.com/runner/executors/kubernetes/#overwrite-generated-pod-specifications @defaultValue none */
  readonly podSpec?: readonly PodSpecPatch[];
}

/** The most that a job's own variables may request for a container. */
export interface OverwriteMaximum {
  /** The most that a job may request. @defaultValue nothing */
  readonly requests?: ResourceList;
  /** The highest limit that a job may set. @defaultValue nothing */
  readonly limits?: ResourceList;
}

/** An entry of the pods' `/etc/hosts`. */
export interface HostAlias {
  /** IP address. */
  readonly ip: string;
  /** Names of that address. */
  readonly hostnames: readonly string[];
}

/** DNS settings of pods, beside those of the policy. */
export interface DnsConfig {
  /** IP addresses of DNS servers. @defaultValue none */
  readonly nameservers?: readonly string[];
  /** Domains to search for names. @defaultValue none */
  readonly searches?: readonly string[];
  /** Options of the resolver, such as `ndots`. @defaultValue none */
  readonly options?: readonly {
    /** Name of the option. */
    readonly name: string;
    /** Value of the option. @defaultValue none */
    readonly value?: string;
  }[];
}

/** A patch of the job pods' specification. */
export interface PodSpecPatch {
  /** Name of the patch, for the runner's log. */
  readonly name: string;
  /** How to apply it: as a strategic merge patch, a JSON merge patch or a JSON patch. @defaultValue `strategic` */
  readonly type?: "strategic" | "merge" | "json";
  /** Part of a pod's `spec`, or the list of operations of a JSON patch. */
  readonly patch: Readonly<Record<string, unknown>> | readonly unknown[];
}

/** GitLab's Helm chart. */
export interface ChartArgs {
  /** Version of the chart, at least 0.65.0. @defaultValue `0.86.0` */
  readonly version?: string;
  /** Address of the Helm repository. @defaultValue `https://charts.gitlab.io` */
  readonly repository?: string;
  /** A chart folder or .tgz to install instead of one from the repository, as in a closed network. @defaultValue none */
  readonly path?: string;
  /** Seconds that the release may take to become ready. @defaultValue `300` */
  readonly timeoutSeconds?: number;
  /** Other values of the chart, for what has no setting here; those that this program sets are refused. @defaultValue none */
  readonly values?: Readonly<Record<string, unknown>>;
}

/** Deny all traffic except what manager and jobs need: `true`, or where they may connect to. */
export interface NetworkPolicyArgs {
  /** Where GitLab is. @defaultValue its namespace, where `gitlabUrl` is that of a Service; else any address, at its port */
  readonly gitlab?: readonly (string | NetworkDestination)[];
  /** Where the object store is. @defaultValue its namespace, where `cache.server` is a Service; else any address, at its port */
  readonly cache?: readonly (string | NetworkDestination)[];
  /** Where the Kubernetes API server is. @defaultValue any address, at the ports 443, 6443 and 16443 */
  readonly apiServer?: readonly (string | NetworkDestination)[];
  /** What else the manager may reach, such as a proxy. @defaultValue nothing */
  readonly manager?: readonly (string | NetworkDestination)[];
  /** What else jobs may reach, such as a package registry or, with `0.0.0.0/0`, everything but the cloud's metadata service. @defaultValue nothing */
  readonly jobs?: readonly (string | NetworkDestination)[];
}

/** A place that pods may connect to: either `cidr` or `namespace`. A range alone, such as `10.0.0.0/8`, is one, too. */
export interface NetworkDestination {
  /** Range of addresses. @defaultValue none */
  readonly cidr?: string;
  /** Namespace, with all its pods. @defaultValue none */
  readonly namespace?: string;
  /** TCP ports there; of pods, their own, which may differ from those of their Service. @defaultValue the usual ones of the destination; of a namespace, and for `manager` and `jobs`, all */
  readonly ports?: readonly number[];
}
