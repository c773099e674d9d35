import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { certificatesIn } from "./settings/certificates.ts";

/** Inputs of {@link RunnerTrust}. */
export interface RunnerTrustArgs {
  /** Certificates to trust, in PEM format. */
  readonly caCertificate: pulumi.Input<string>;
  /** URL of GitLab. */
  readonly gitlabUrl: pulumi.Input<string>;
  /** Namespace of the runner manager. */
  readonly namespace: pulumi.Input<string>;
  /** Namespace of the job pods. */
  readonly jobNamespace: pulumi.Input<string>;
}

/**
 * Certificates of your own CA, where the runner manager and the jobs' helper look for them. Pulumi names both objects, so
 * that new certificates get new objects, and the old ones are deleted only when nothing uses them.
 */
export class RunnerTrust extends pulumi.ComponentResource {
  /** Name of the Secret that the chart mounts into the manager; its file is named after GitLab's host. */
  readonly certsSecret: pulumi.Output<string>;
  /** Name of the ConfigMap that job pods mount, with the file `ca.crt`. */
  readonly jobCertificates: pulumi.Output<string>;

  constructor(name: string, args: RunnerTrustArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gitlab-runner:index:RunnerTrust", name, args, opts);
    // Every job can read them. Nobody has looked at an Output before, which may have a private key, too.
    const certificates = pulumi.output(args.caCertificate).apply(certificatesIn);
    // The runner looks for a file named after GitLab's host: https://docs.gitlab.com/runner/configuration/tls-self-signed/
    const secret = new k8s.core.v1.Secret(
      `${name}-manager`,
      {
        metadata: { namespace: args.namespace },
        stringData: pulumi
          .all([args.gitlabUrl, certificates])
          .apply(([gitlabUrl, pem]) => ({ [`${new URL(gitlabUrl).hostname}.crt`]: pem })),
      },
      { parent: this },
    );
    const configMap = new k8s.core.v1.ConfigMap(
      `${name}-jobs`,
      {
        metadata: { namespace: args.jobNamespace },
        data: { "ca.crt": certificates },
      },
      { parent: this },
    );

    this.certsSecret = secret.metadata.name;
    this.jobCertificates = configMap.metadata.name;
    this.registerOutputs({ certsSecret: this.certsSecret, jobCertificates: this.jobCertificates });
  }
}
