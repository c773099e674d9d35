import { configToml } from "./config-toml.ts";
import { linkerdAnnotations } from "./linkerd.ts";
import type { Release } from "./runner-release.ts";
import { managerSettings, type ManagerSettings } from "./settings/manager.ts";
import { isObject, merge, placeSettings } from "./settings/placement.ts";

/**
 * The values of GitLab's `gitlab-runner` chart. Settings go where their declaration says; this adds what comes from the
 * other resources. The values contain names of Secrets, never their contents: Helm stores them in its own Secret, and
 * `helm get values` prints them: https://helm.sh/docs/topics/advanced/#storage-backends.
 * Source: https://gitlab.com/gitlab-org/charts/gitlab-runner/-/blob/main/values.yaml
 */
export function chartValues(release: Release): Record<string, unknown> {
  return withFurtherValues(programValues(release), { ...defaultValues, ...release.chart.values });
}

/** @returns the values that only the program may set */
export function programValues(release: Release): Record<string, unknown> {
  return merge(managerValues(release.manager), {
    // Otherwise the chart may append its own name to the release's name, which changes the pods' label `app`.
    fullnameOverride: release.name,
    gitlabUrl: release.gitlabUrl,
    certsSecretName: release.certsSecret,
    podAnnotations: release.linkerd ? { ...linkerdAnnotations } : {},
    // RunnerAccess creates the account and its Role. Which of the two keys names the account depends on the chart's version.
    rbac: { create: false, serviceAccountName: release.managerAccount },
    serviceAccount: { create: false, name: release.managerAccount },
    runners: {
      name: release.name,
      secret: release.tokenSecret,
      ...(release.cacheSecret === undefined ? {} : { cache: { secretName: release.cacheSecret } }),
      config: configToml(release),
    },
  });
}

function managerValues(manager: ManagerSettings): Record<string, unknown> {
  return merge(
    {
      priorityClassName: "",
      // The chart's defaults meet all other requirements of the `restricted` level.
      podSecurityContext: { seccompProfile: { type: "RuntimeDefault" } },
    },
    placeSettings("values", managerSettings, manager),
  );
}

/**
 * Values that `chart.values` may override. Helm waits until all pods but `maxUnavailable` are ready; then Pulumi deletes the
 * old credentials. With Kubernetes' default of 25 %, one in four pods could still be an old one that uses them.
 * Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-unavailable
 */
const defaultValues = { strategy: { rollingUpdate: { maxUnavailable: 0 } } };

/** Top-level values that only this program may set, with everything below them. */
const ownValues = [
  ...["gitlabUrl", "runnerToken", "runnerRegistrationToken", "unregisterRunners", "namespace", "nameOverride"],
  ...["fullnameOverride", "hpa", "automountServiceAccountToken", "rbac", "serviceAccount", "runners"],
];

/** Values that the chart merges with its own entries; an entry of the same name would replace the chart's. */
const addedValues = {
  configMaps: {
    ...ownNames("config.toml", "config.template.toml", "entrypoint", "pre-entrypoint-script", "register-the-runner"),
    ...ownNames("check-live", "set-session-server-address", "set-session-server-port"),
  },
  podLabels: ownNames("app", "chart", "release", "heritage"),
};

/**
 * Environment variables that override the runner's configuration.
 * Source: https://docs.gitlab.com/runner/commands/#gitlab-runner-register
 */
const runnerVariable =
  /^(?!KUBERNETES_SERVICE_(HOST|PORT)$)(CI_SERVER|REGISTRATION|REGISTER|RUNNER|KUBERNETES|CACHE|FEATURE_FLAGS|TEMPLATE_CONFIG|CONFIG_FILE)(_|$)/;

/**
 * @param values additional values of the chart
 * @param manager settings that also set values of the chart
 * @returns the paths in the additional values that only the program may set, such as `["runners", "config"]`
 */
export function ownedValues(
  values: Readonly<Record<string, unknown>>,
  manager: ManagerSettings,
): (string | number)[][] {
  const own = {
    ...addedValues,
    ...managerValues(manager),
    certsSecretName: "",
    podAnnotations: linkerdAnnotations,
  };
  return Object.entries(values).flatMap(([key, value]) =>
    ownValues.includes(key)
      ? [[key]]
      : [...overlaps(value, ownIn(own, key)), ...runnerVariables(key, value)].map((path) => [key, ...path]),
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

/** @returns an object's own property, not an inherited one such as `toString` */
function ownIn(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** @returns the values merged with additional ones; the program's own are not overridden */
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
