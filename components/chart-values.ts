import { configToml } from "./config-toml.ts";
import { linkerdAnnotations } from "./linkerd.ts";
import type { Release } from "./runner-release.ts";
import { managerSettings, type ManagerSettings } from "./settings/manager.ts";
import { isObject, merge, placeSettings } from "./settings/placement.ts";

/**
 * The values of GitLab's `gitlab-runner` chart. Settings go where their declaration says; this adds what the other resources
 * bring. They hold names of Secrets but none of what is in them: Helm stores the values in its own Secret, and
 * `helm get values` prints them.
 * Source: https://gitlab.com/gitlab-org/charts/gitlab-runner/-/blob/main/values.yaml
 */
export function chartValues(release: Release): Record<string, unknown> {
  return withFurtherValues(programValues(release), { ...defaultValues, ...release.chart.values });
}

/** @returns the values that only the program may set */
export function programValues(release: Release): Record<string, unknown> {
  return merge(managerValues(release.manager), {
    // Else the chart adds its own name to that of a release without it, and the pods' label `app` is another one.
    fullnameOverride: release.name,
    gitlabUrl: release.gitlabUrl,
    certsSecretName: release.certsSecret,
    podAnnotations: release.linkerd ? { ...linkerdAnnotations } : {},
    // Rights and account are RunnerAccess's. The chart has read both keys for the account's name over time.
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
      // All else that the `restricted` level asks for is the chart's default.
      podSecurityContext: { seccompProfile: { type: "RuntimeDefault" } },
    },
    placeSettings("values", managerSettings, manager),
  );
}

/**
 * Values that further ones may override. Helm is done when as many new pods are ready as `maxUnavailable` asks for, and then
 * Pulumi deletes the old credentials: with Kubernetes' default, one in four pods could still be an old one.
 * Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-unavailable
 */
const defaultValues = { strategy: { rollingUpdate: { maxUnavailable: 0 } } };

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
 * @param values further values of the chart
 * @param manager settings that make values, too
 * @returns the paths in the further values that only the program may set, such as `["runners", "config"]`
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
