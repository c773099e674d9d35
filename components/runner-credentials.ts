import { createHmac } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** A pair of keys of an S3-compatible object store. */
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
  /** The release that uses them; their names start with it. */
  readonly release: pulumi.Input<string>;
  /** Authentication token of the runner, `glrt-…`. */
  readonly token: pulumi.Input<string>;
  /** Keys of the build cache. A plain value, since it decides what is created. @defaultValue no cache */
  readonly cacheKeys?: CacheKeys;
}

/** The Secrets that GitLab's chart mounts into the runner manager: the runner's token, and the keys of its cache. */
export class RunnerCredentials extends pulumi.ComponentResource {
  /** Name of the Secret with the runner's token. */
  readonly tokenSecret: pulumi.Output<string>;
  /** Name of the Secret with the cache's keys; undefined without a cache. */
  readonly cacheSecret: pulumi.Output<string> | undefined;
  /** Changes whenever a credential does, and tells nothing about it; 64 hexadecimal digits. */
  readonly checksum: pulumi.Output<string>;

  constructor(name: string, args: RunnerCredentialsArgs, opts?: pulumi.ComponentResourceOptions) {
    const token = pulumi.secret(args.token);
    const accessKey = pulumi.secret(args.cacheKeys?.accessKey);
    const secretKey = pulumi.secret(args.cacheKeys?.secretKey);
    const cacheKeys = args.cacheKeys === undefined ? undefined : { accessKey, secretKey };
    super("gitlab-runner:index:RunnerCredentials", name, { ...args, token, cacheKeys }, opts);

    this.tokenSecret = this.secret(`${name}-token`, args, pulumi.interpolate`${args.release}-token`, {
      // The chart wants both keys; the first is the old registration token, which no longer exists (pitfall 16).
      "runner-registration-token": "",
      "runner-token": token.apply((value) => value.trim()),
    });
    this.cacheSecret =
      args.cacheKeys === undefined
        ? undefined
        : this.secret(`${name}-cache`, args, pulumi.interpolate`${args.release}-cache-credentials`, {
            accesskey: accessKey.apply((key) => key ?? ""),
            secretkey: secretKey.apply((key) => key ?? ""),
          });
    this.checksum = pulumi.unsecret(pulumi.all([token, accessKey, secretKey]).apply(keyedChecksum));

    this.registerOutputs({
      tokenSecret: this.tokenSecret,
      cacheSecret: this.cacheSecret,
      checksum: this.checksum,
    });
  }

  private secret(
    name: string,
    args: RunnerCredentialsArgs,
    secretName: pulumi.Input<string>,
    stringData: Record<string, pulumi.Input<string>>,
  ): pulumi.Output<string> {
    const secret = new k8s.core.v1.Secret(
      name,
      { metadata: { name: secretName, namespace: args.namespace }, stringData },
      { parent: this },
    );
    return secret.metadata.name;
  }
}

/**
 * HMAC-SHA256 of the cache's keys under the runner's token: the chart restarts its pods when a pod annotation changes but
 * not when a Secret does (pitfall 4), and the annotation must not help anyone to guess what the Secrets hold.
 */
function keyedChecksum([token, ...keys]: readonly [string, string | undefined, string | undefined]): string {
  return createHmac("sha256", token).update(JSON.stringify(keys)).digest("hex");
}
