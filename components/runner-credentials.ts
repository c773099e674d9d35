import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** Key pair of an S3-compatible object store. */
export interface CacheKeys {
  /** Access key. */
  readonly accessKey: pulumi.Input<string>;
  /** Secret key. */
  readonly secretKey: pulumi.Input<string>;
}

/** Inputs of {@link RunnerCredentials}. */
export interface RunnerCredentialsArgs {
  /** Namespace of the Secrets. */
  readonly namespace: pulumi.Input<string>;
  /** Authentication token of the runner, `glrt-…`. */
  readonly token: pulumi.Input<string>;
  /** Keys of the build cache. A plain value, since it decides what is created. @defaultValue no cache */
  readonly cacheKeys?: CacheKeys;
}

/**
 * The Secrets that GitLab's chart mounts into the runner manager: the runner's token, and the keys of its cache. Pulumi names
 * them, so that new credentials get a new Secret: it is created while the old one is still in use, the changed name triggers
 * a rollout, and then the old Secret is deleted.
 */
export class RunnerCredentials extends pulumi.ComponentResource {
  /** Name of the Secret with the runner's token. */
  readonly tokenSecret: pulumi.Output<string>;
  /** Name of the Secret with the cache's keys; undefined without a cache. */
  readonly cacheSecret: pulumi.Output<string> | undefined;

  constructor(name: string, args: RunnerCredentialsArgs, opts?: pulumi.ComponentResourceOptions) {
    const token = pulumi.secret(args.token);
    const accessKey = pulumi.secret(args.cacheKeys?.accessKey);
    const secretKey = pulumi.secret(args.cacheKeys?.secretKey);
    const cacheKeys = args.cacheKeys === undefined ? undefined : { accessKey, secretKey };
    super("gitlab-runner:index:RunnerCredentials", name, { ...args, token, cacheKeys }, opts);

    this.tokenSecret = this.secret(`${name}-token`, args.namespace, {
      // The chart mounts both keys. The first is for the deprecated registration token, so it is empty:
      // https://docs.gitlab.com/runner/install/kubernetes_helm_chart_configuration/
      "runner-registration-token": "",
      "runner-token": token.apply((value) => value.trim()),
    });
    this.cacheSecret =
      args.cacheKeys === undefined
        ? undefined
        : this.secret(`${name}-cache`, args.namespace, {
            accesskey: accessKey.apply((key) => key ?? ""),
            secretkey: secretKey.apply((key) => key ?? ""),
          });
    this.registerOutputs({ tokenSecret: this.tokenSecret, cacheSecret: this.cacheSecret });
  }

  private secret(
    name: string,
    namespace: pulumi.Input<string>,
    stringData: Record<string, pulumi.Input<string>>,
  ): pulumi.Output<string> {
    return new k8s.core.v1.Secret(name, { metadata: { namespace }, stringData }, { parent: this }).metadata.name;
  }
}
