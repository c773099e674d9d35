import * as pulumi from "@pulumi/pulumi";
import { withPluginVersion } from "./plugin-version.ts";

/** Inputs of {@link Provider}. */
export interface ProviderArgs {
  /** API address, such as `https://gitlab.example.com/api/v4/`. @defaultValue `GITLAB_BASE_URL`, else GitLab.com */
  readonly baseUrl?: pulumi.Input<string>;
  /** File with the CA certificate of GitLab, in PEM format. */
  readonly cacertFile?: pulumi.Input<string>;
  /** File with the client certificate, in PEM format; needs `clientKey`. */
  readonly clientCert?: pulumi.Input<string>;
  /** File with the client certificate's private key, in PEM format. */
  readonly clientKey?: pulumi.Input<string>;
  /** Configuration file of the `glab` command to read. */
  readonly configFile?: pulumi.Input<string>;
  /** Context within `configFile`. */
  readonly context?: pulumi.Input<string>;
  /** Check the token when the provider starts instead of at the first call. */
  readonly earlyAuthCheck?: pulumi.Input<boolean>;
  /** Use the job token of a GitLab CI job where there is one. */
  readonly enableAutoCiSupport?: pulumi.Input<boolean>;
  /** Headers to add to every request. */
  readonly headers?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Skip the check of GitLab's certificate. */
  readonly insecure?: pulumi.Input<boolean>;
  /** How often a rate-limited or failed request is repeated. */
  readonly retries?: pulumi.Input<number>;
  /** Personal, group or project access token. @defaultValue `GITLAB_TOKEN` */
  readonly token?: pulumi.Input<string>;
}

/** An explicit GitLab provider, for programs that talk to more than one GitLab. */
export class Provider extends pulumi.ProviderResource {
  constructor(name: string, args: ProviderArgs = {}, opts?: pulumi.ResourceOptions) {
    const inputs = {
      ...args,
      // A provider's inputs travel as strings; everything else is JSON.
      earlyAuthCheck: json(args.earlyAuthCheck),
      enableAutoCiSupport: json(args.enableAutoCiSupport),
      headers: json(args.headers),
      insecure: json(args.insecure),
      retries: json(args.retries),
      token: args.token === undefined ? undefined : pulumi.secret(args.token),
    };
    super("gitlab", name, inputs, withPluginVersion(opts));
  }
}

function json(value: unknown): pulumi.Output<string> | undefined {
  return value === undefined ? undefined : pulumi.jsonStringify(value);
}
