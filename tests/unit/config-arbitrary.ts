import { join } from "node:path";
import fc from "fast-check";
import { checkSettings } from "../../components/settings/check.ts";
import { hintAt, standInAt } from "../../components/settings/lookup.ts";
import { valueAt, type Path } from "../../components/settings/path.ts";
import type { Change } from "../../components/settings/problems.ts";
import { runnerSettings } from "../../components/settings/runner.ts";
import { inArguments, stackKeys } from "../../components/config/stack-keys.ts";
import type { StackFile } from "./config-reading.ts";
import { dictionary, valuesOf, type Overrides } from "./schema-arbitrary.ts";
import { anyText } from "./text-arbitrary.ts";

export { anyText };

/** The certificate of a CA that nobody trusts. */
export const caCertificate = `-----BEGIN CERTIFICATE-----
MIIBezCCASGgAwIBAgIUDHPsGd+nr85ablibcDBPXoQDYcgwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjQwODU3MjZaGA8yMTI2MTAzMTA4
NTcyNlowEjEQMA4GA1UEAwwHVGVzdCBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABF9OSefkTPz5IQwlAB3fKQ8R31XXHbHUrbGV9gBFd0JiBwxDfFo2qOoqWIFS
xjqKaFZdw1ISUQnyyhjKFdmKmbqjUzBRMB0GA1UdDgQWBBTXqaMDQwqu8sDja7ci
gNSw2PlOhTAfBgNVHSMEGDAWgBTXqaMDQwqu8sDja7cigNSw2PlOhTAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIF6vYXgYFxlcBG4ecZ7oqG40jlcg
37RklvpRhcLddfOEAiEAvE8XMpVB8mAuv+u/9fDYWZomwFplX3CIzD5D/pfqwcc=
-----END CERTIFICATE-----
`;

const chartPath = join(import.meta.dirname, "../../sandbox/chart/gitlab-runner");
const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const labelValue = fc.stringMatching(/^([A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?)?$/);

function some(shape: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> {
  return fc.record(shape, { requiredKeys: [], noNullPrototype: true });
}

/** What the chart knows and the program leaves alone. */
const furtherValues = some({
  revisionHistoryLimit: fc.nat(),
  hostname: name,
  imagePullPolicy: fc.constantFrom("Always", "IfNotPresent"),
  deploymentLabels: dictionary(name, labelValue),
  podAnnotations: dictionary(fc.stringMatching(/^own\/[a-z]{1,8}$/), anyText),
  podLabels: dictionary(fc.stringMatching(/^own\/[a-z]{1,8}$/), labelValue),
  extraEnv: dictionary(fc.stringMatching(/^OWN_[A-Z]{1,8}$/), anyText),
  metrics: some({ portName: name, podMonitor: some({ interval: fc.constant("30s") }) }),
  securityContext: some({ readOnlyRootFilesystem: fc.boolean() }),
});

/** A key that is told from all else by its text. */
const key = fc.stringMatching(/^K3Y[A-Za-z0-9]{20}$/);

/** What no schema can say: what exists, what the chart knows, and which texts are told from others. */
const overrides: Overrides = {
  runnerConfig: fc.constantFrom({}, { limit: 5 }, { kubernetes: { poll_interval: 5, image: "alpine" } }),
  caCertificate: fc.constantFrom(caCertificate, caCertificate + caCertificate),
  "cache.credentials.accessKey": key,
  "cache.credentials.secretKey": key,
  "chart.path": fc.constant(chartPath),
  "chart.values": furtherValues,
  "quota.key": fc.constantFrom(
    ...["requests.cpu", "limits.cpu", "memory", "limits.memory", "ephemeral-storage", "pods", "secrets"],
    ...["count/jobs.batch", "requests.nvidia.com/gpu", "gold.storageclass.storage.k8s.io/requests.storage"],
  ),
};

type Settings = Readonly<Record<string, unknown>>;

/** Settings that are valid one by one, with either a runner to create or the token of one that exists. */
const settings = fc
  .tuple(valuesOf(runnerSettings, overrides) as fc.Arbitrary<Settings>, fc.nat(3))
  .map(([{ registration = {}, runnerToken, ...others }, choice]): Settings =>
    choice === 0 && runnerToken !== undefined ? { ...others, runnerToken } : { ...others, registration },
  );

/** @returns the settings without contradictions, each of which is fixed as the program itself says */
function withoutContradictions(drawn: Settings): Settings {
  const values: Keys = structuredClone(drawn);
  for (let round = 0; round < 10; round += 1) {
    const { issues, contradictions } = checkSettings("gitlab-runner", values);
    if (issues.length > 0) {
      throw new Error(`a schema refuses what it accepted: ${JSON.stringify(issues)}`);
    }
    if (contradictions.length === 0) {
      return values;
    }
    for (const { path, fix } of contradictions) {
      change(values, fix === undefined || "run" in fix.first ? { remove: path } : fix.first);
    }
  }
  throw new Error(`what the program says fixes no contradiction of ${JSON.stringify(drawn)}`);
}

type Keys = Record<string | number, unknown>;

function change(values: Keys, what: Change): void {
  const path = "remove" in what ? what.remove : what.set;
  if ("set" in what) {
    // As `pulumi config set --path` makes what is on the way.
    path.slice(0, -1).reduce((object, part) => (object[part] ??= {}) as Keys, values);
  }
  const around = valueAt(values, path.slice(0, -1)) as Keys | undefined;
  const last = path.at(-1) ?? "";
  if (around !== undefined && "set" in what) {
    around[last] = what.to;
  } else if (Array.isArray(around)) {
    around.splice(Number(last), 1);
  } else if (around !== undefined) {
    Reflect.deleteProperty(around, last);
  }
}

/** @returns where the settings have secrets, and what they are */
function secretsIn(value: unknown, path: Path = []): { readonly key: string; readonly text: string }[] {
  if (typeof value === "string") {
    return hintAt(path, "secret") === true ? [{ key: String(path[0]), text: value }] : [];
  }
  return typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([part, inner]) => secretsIn(inner, [...path, part]))
    : [];
}

/** A stack's configuration that has no problem, and the secrets in it. */
export interface ValidStack extends StackFile {
  readonly values: Readonly<Record<string, unknown>>;
  readonly secrets: readonly string[];
  readonly secretTexts: readonly string[];
}

/** Keys that `Pulumi.yaml` declares with something that stands for "not set". */
const keysWithStandIn = stackKeys.filter((key) => standInAt(inArguments([key])) !== undefined);

/** Every valid configuration, or as good as: drawn from the declarations of the settings. */
export const validStack: fc.Arbitrary<ValidStack> = fc
  .tuple(settings.map(withoutContradictions), fc.subarray(keysWithStandIn))
  .map(([{ registration = {}, ...others }, unset]) => {
    const secrets = secretsIn(others);
    return {
      values: {
        ...Object.fromEntries(unset.map((key) => [key, standInAt(inArguments([key]))])),
        ...(registration as object),
        ...others,
      },
      secrets: [...new Set(secrets.map(({ key }) => key))],
      secretTexts: secrets.map(({ text }) => text),
    };
  });
