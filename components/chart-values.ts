import { linkerdAnnotations } from "./linkerd.ts";
import type { ManagerSettings } from "./settings.ts";

/** What goes into the chart's values. */
export interface ReleaseConfig {
  /** Address of GitLab. */
  readonly gitlabUrl: string;
  /** Name of the release, of its Deployment and of the runner in its own log. */
  readonly release: string;
  /** ServiceAccount of the manager. */
  readonly managerAccount: string;
  /** Name of the Secret with the runner's token. */
  readonly tokenSecret: string;
  /** Name of the Secret with the cache's keys, if there is a cache. */
  readonly cacheSecret: string | undefined;
  /** Changes whenever a credential does. */
  readonly credentialsChecksum: string;
  /** The runner's configuration, see {@link configToml}. */
  readonly configToml: string;
  /** Settings of the manager. */
  readonly manager: ManagerSettings;
  /** Let Linkerd inject its proxy into the manager. */
  readonly linkerd: boolean;
}

/**
 * The values of GitLab's `gitlab-runner` chart. They hold names of Secrets but none of what is in them: Helm keeps the
 * values in a Secret of its own, and prints them on request (pitfall 12).
 * Source: https://gitlab.com/gitlab-org/charts/gitlab-runner/-/blob/main/values.yaml
 */
export function chartValues(config: ReleaseConfig) {
  const { manager } = config;
  return {
    // Else the chart adds its own name to that of a release without it, and the pods' label `app` is another one.
    fullnameOverride: config.release,
    gitlabUrl: config.gitlabUrl,
    replicas: manager.replicas,
    concurrent: manager.concurrent,
    checkInterval: manager.checkInterval,
    logLevel: manager.logLevel,
    logFormat: manager.logFormat,
    terminationGracePeriodSeconds: manager.shutdownTimeout,
    metrics: { enabled: manager.metrics },
    resources: manager.resources,
    nodeSelector: manager.nodeSelector,
    tolerations: manager.tolerations,
    podAnnotations: {
      // The chart's own checksum covers its own Secret only, which does not exist here (pitfall 4).
      "gitlab-runner/credentials-checksum": config.credentialsChecksum,
      ...(config.linkerd ? linkerdAnnotations : {}),
    },
    // Rights and account are RunnerAccess's. The chart has read both keys for the account's name over time.
    rbac: { create: false, serviceAccountName: config.managerAccount },
    serviceAccount: { create: false, name: config.managerAccount },
    runners: {
      name: config.release,
      secret: config.tokenSecret,
      ...(config.cacheSecret === undefined ? {} : { cache: { secretName: config.cacheSecret } }),
      config: config.configToml,
    },
  };
}
