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
  /** The runner's configuration, see {@link configToml}. */
  readonly configToml: string;
  /** Settings of the manager. */
  readonly manager: ManagerSettings;
  /** Name of a Secret with certificates to trust, if there is one. */
  readonly certsSecret: string | undefined;
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
    metrics: {
      enabled: manager.metrics,
      podMonitor: {
        enabled: manager.podMonitor,
        ...(Object.keys(manager.monitoringLabels).length === 0 ? {} : { labels: manager.monitoringLabels }),
      },
    },
    ...(manager.image === undefined ? {} : { image: chartImage(manager.image) }),
    resources: manager.resources,
    nodeSelector: manager.nodeSelector,
    tolerations: manager.tolerations,
    affinity: manager.affinity,
    priorityClassName: manager.priorityClassName ?? "",
    // All else that the `restricted` level asks for is the chart's default.
    podSecurityContext: { seccompProfile: { type: "RuntimeDefault" } },
    ...(config.certsSecret === undefined ? {} : { certsSecretName: config.certsSecret }),
    podAnnotations: config.linkerd ? { ...linkerdAnnotations } : {},
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

/**
 * Values that further ones may override. Helm is done when as many new pods are ready as `maxUnavailable` asks for, and then
 * Pulumi deletes the old credentials: with Kubernetes' default, one in four pods could still be an old one.
 * Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-unavailable
 */
export const defaultValues = { strategy: { rollingUpdate: { maxUnavailable: 0 } } };

/** The chart's three parts of an image's name: it joins them to `registry/image:tag`. */
function chartImage(name: string): { registry: string; image: string; tag: string } {
  const [, registry = "", image = "", tag = ""] = /^(?:([^/]*[.:][^/]*|localhost)\/)?(.+):([^:/]+)$/.exec(name) ?? [];
  return { registry, image, tag };
}

/** Values that decide what the program relies on, and so are its own, with all that is in them. */
const ownValues = [
  ...["gitlabUrl", "runnerToken", "runnerRegistrationToken", "unregisterRunners", "namespace", "nameOverride"],
  ...["fullnameOverride", "hpa", "automountServiceAccountToken", "rbac", "serviceAccount", "runners"],
];

/** Values that the chart adds to what it makes itself; of the same name, they would take its place. */
const addedValues = {
  configMaps: {
    ...ownNames("config.toml", "config.template.toml", "entrypoint", "pre-entrypoint-script", "register-the-runner"),
    ...ownNames("check-live", "set-session-server-address", "set-session-server-port"),
  },
  podLabels: ownNames("app", "chart", "release", "heritage"),
};

/**
 * Variables that the runner takes for settings, rather than those of its configuration.
 * Source: https://docs.gitlab.com/runner/commands/#gitlab-runner-register
 */
const runnerVariable =
  /^(?!KUBERNETES_SERVICE_(HOST|PORT)$)(CI_SERVER|REGISTRATION|REGISTER|RUNNER|KUBERNETES|CACHE|FEATURE_FLAGS|TEMPLATE_CONFIG|CONFIG_FILE)(_|$)/;

/**
 * @param values further values, from the stack's configuration
 * @returns the paths in them that only the program may set, such as `["runners", "config"]`
 */
export function ownedValues(
  values: Readonly<Record<string, unknown>>,
  own: Readonly<Record<string, unknown>>,
): (string | number)[][] {
  return Object.entries(values).flatMap(([key, value]) =>
    ownValues.includes(key)
      ? [[key]]
      : [...overlaps(value, ownIn({ ...addedValues, ...own }, key)), ...runnerVariables(key, value)].map((path) => [
          key,
          ...path,
        ]),
  );
}

/** @returns the paths at which both have a value */
function overlaps(value: unknown, own: unknown): string[][] {
  if (own === undefined) {
    return [];
  }
  return isObject(value) && isObject(own)
    ? Object.entries(value).flatMap(([key, inner]) => overlaps(inner, ownIn(own, key)).map((path) => [key, ...path]))
    : [[]];
}

function runnerVariables(key: string, value: unknown): (string | number)[][] {
  if (key === "envVars" && Array.isArray(value)) {
    // The last first, so that each can be taken out without moving the others.
    return value
      .flatMap((variable: unknown, index) =>
        isObject(variable) && runnerVariable.test(String(variable["name"])) ? [[index]] : [],
      )
      .toReversed();
  }
  return (key === "extraEnv" || key === "extraEnvFrom") && isObject(value)
    ? Object.keys(value).flatMap((name) => (runnerVariable.test(name) ? [[name]] : []))
    : [];
}

function ownNames(...names: string[]): Record<string, true> {
  return Object.fromEntries(names.map((name) => [name, true]));
}

/** @returns what an object has of this name itself, unlike `toString` */
function ownIn(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** @returns the values with further ones added to them; the program's own are not overridden */
export function withFurtherValues<Values extends Record<string, unknown>>(
  own: Values,
  further: Record<string, unknown>,
): Values {
  const merged = Object.entries(further).map(([key, value]) => {
    const mine = ownIn(own, key);
    return [key, isObject(value) && isObject(mine) ? withFurtherValues(mine, value) : (mine ?? value)];
  });
  return { ...own, ...Object.fromEntries(merged) } as Values;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
