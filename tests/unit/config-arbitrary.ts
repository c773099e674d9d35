import { join } from "node:path";
import fc from "fast-check";
import { tolerationKey } from "../../components/settings/tolerations.ts";
import type { StackFile } from "./config-reading.ts";

/** The certificate of an authority that nobody trusts. */
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

/** Parts that TOML, YAML, JSON, Helm's templates or a shell take for something else than text. */
const special = [
  ...[
    "{{",
    "}}",
    "{{-",
    "-}}",
    '{{ "{{" }}',
    "{{ .Values }}",
    "{{/*",
    "*/}}",
    "{",
    "}",
    "{{{",
    "$(x)",
    "${X}",
    "`",
    "#",
  ],
  ...[
    '"',
    "'",
    '"""',
    "'''",
    "\\",
    "\\n",
    "\\u0041",
    "\\x",
    "\n",
    "\r\n",
    "\r",
    "\t",
    " ",
    "  \n",
    "\n  - ",
    "---\n",
    "|",
    ">",
    ": ",
  ],
  ...[
    "\0",
    "\u0007",
    "\u001b",
    "\u007f",
    "\u0085",
    "\u00a0",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\ufffe",
    "é",
    "e\u0301",
    "😀",
    "\u{10ffff}",
  ],
];

/** Any text without half a surrogate pair. */
export const anyText = fc
  .array(fc.oneof(fc.string({ unit: "binary", maxLength: 6 }), fc.constantFrom(...special)), { maxLength: 6 })
  .map((parts) => parts.join(""));

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const objectName = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join("."));
const labelKey = fc.stringMatching(/^([a-z]{1,8}(\.[a-z]{1,8}){0,2}\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?$/);
const labelValue = fc.stringMatching(/^([A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?)?$/);
const variableName = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,15}$/);
const image = fc.stringMatching(
  /^([a-z]{1,8}(\.[a-z]{1,8}){1,2}(:[0-9]{1,4})?\/)?[a-z0-9]{1,8}(\/[a-z0-9]{1,8}){0,2}$/,
);
const tag = fc.stringMatching(/^:[a-z0-9]{1,5}([._-][a-z0-9]{1,5}){0,2}$/);

function some<T>(shape: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<Partial<T>> {
  return fc.record(shape, { requiredKeys: [], noNullPrototype: true }) as unknown as fc.Arbitrary<Partial<T>>;
}

function dictionary<T>(keys: fc.Arbitrary<string>, values: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> {
  return fc.dictionary(keys, values, { maxKeys: 4, noNullPrototype: true });
}

const mostCpu = 64_000;
const mostMemory = 2 ** 20;

/** An amount as people write it, of thousandths of a core. */
function cpu(milli: number, style: number): string | number {
  return [`${milli}m`, milli / 1000, String(milli / 1000)][style % 3] ?? "";
}

/** An amount as people write it, of mebibytes. */
function memory(mebibytes: number, style: number): string | number {
  return [`${mebibytes}Mi`, mebibytes * 2 ** 20, `${mebibytes * 2 ** 10}Ki`, `${mebibytes}.0Mi`][style % 4] ?? "";
}

/** What a container asks for or may use: some of the amounts, each in some style. */
function amounts(milli: number, mebibytes: number, disk: number, style: number): Record<string, string | number> {
  const all = [
    ["cpu", cpu(milli, style)],
    ["memory", memory(mebibytes, style)],
    ["ephemeral-storage", memory(disk, style + 1)],
  ] as const;
  return Object.fromEntries(all.filter((_, index) => ((style >> index) & 1) === 0));
}

const pair = (most: number) =>
  fc
    .tuple(fc.integer({ min: 1, max: most }), fc.integer({ min: 1, max: most }))
    .map(([one, other]) => [Math.min(one, other), Math.max(one, other)] as const);

/** Requests and limits, the former never above the latter. */
const resources = fc
  .tuple(pair(mostCpu), pair(mostMemory), pair(mostMemory), some({ requests: fc.nat(24), limits: fc.nat(24) }))
  .map(([[cpu0, cpu1], [memory0, memory1], [disk0, disk1], { requests, limits }]) => ({
    ...(requests === undefined ? {} : { requests: amounts(cpu0, memory0, disk0, requests) }),
    ...(limits === undefined ? {} : { limits: amounts(cpu1, memory1, disk1, limits) }),
  }));

/** More than any of the resources. */
const most = fc.nat(24).map((style) => amounts(mostCpu, mostMemory, mostMemory, style));
const maximum = some({ requests: most, limits: most });

const effect = some({
  effect: fc.constantFrom("NoSchedule" as const, "PreferNoSchedule" as const, "NoExecute" as const),
});
const toleration = fc
  .tuple(
    effect,
    fc.oneof(
      fc.constant({ operator: "Exists" as const }),
      fc.record({ key: labelKey, operator: fc.constant("Exists" as const) }),
      fc.record(
        { key: labelKey, operator: fc.constant("Equal" as const), value: labelValue },
        { requiredKeys: ["key"] },
      ),
    ),
  )
  .map(([one, other]) => ({ ...one, ...other }));

const managerToleration = fc
  .tuple(toleration, fc.option(fc.integer({ min: 0, max: 600 }), { nil: undefined }))
  .map(([one, tolerationSeconds]) =>
    one.effect === "NoExecute" && tolerationSeconds !== undefined ? { ...one, tolerationSeconds } : one,
  );

const nodeSelector = dictionary(labelKey, labelValue);
const jsonObject = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });

const registration = fc
  .tuple(
    fc.oneof(
      fc.record(
        { runnerType: fc.constant("project"), projectId: fc.integer({ min: 1 }) },
        { requiredKeys: ["projectId"] },
      ),
      fc.record({ runnerType: fc.constant("group"), groupId: fc.integer({ min: 1 }) }),
      fc.record({ runnerType: fc.constant("instance") }),
    ),
    some({
      extraProjects: fc.uniqueArray(
        fc.oneof(fc.integer({ min: 1 }), fc.stringMatching(/^[a-z0-9_.-]{1,8}(\/[a-z0-9_.-]{1,8}){1,3}$/)),
        { maxLength: 4 },
      ),
      tags: fc.uniqueArray(
        anyText.map((text) => text.replaceAll(",", "").trim()).filter((text) => text !== ""),
        { maxLength: 5 },
      ),
      ...{ runUntagged: fc.boolean(), locked: fc.boolean(), paused: fc.boolean(), protectedOnly: fc.boolean() },
      ...{ description: anyText, maintenanceNote: anyText },
      maximumTimeout: fc.oneof(fc.constant(0), fc.integer({ min: 600 })),
    }),
  )
  .map(([owner, { extraProjects, ...settings }]) => {
    const others = "projectId" in owner ? (extraProjects?.filter((project) => project !== owner.projectId) ?? []) : [];
    return {
      ...owner,
      ...settings,
      ...(settings.tags?.length === 0 ? { runUntagged: true } : {}),
      ...(others.length > 0 ? { extraProjects: others, locked: false } : {}),
    };
  });

const token = fc.stringMatching(/^glrt-t3_[A-Za-z0-9_.-]{20,30}$/);
const key = fc.stringMatching(/^K3Y[A-Za-z0-9]{20}$/);

/** The owner's side of a configuration, with the secrets in it. */
const owner = fc.oneof(
  { weight: 3, arbitrary: registration.map((values) => ({ values, secrets: {} })) },
  {
    weight: 1,
    arbitrary: token.map((runnerToken) => ({ values: { runnerToken }, secrets: { runnerToken: [runnerToken] } })),
  },
);

const bucket = fc
  .stringMatching(/^[a-z0-9]([a-z0-9]|[a-z0-9]-[a-z0-9]|[a-z0-9]\.[a-z0-9]){1,10}[a-z0-9]$/)
  .filter((name) => !/^\d+(\.\d+){3}$|^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3)$/.test(name));
const store = {
  server: fc.oneof(
    fc.constantFrom(
      "minio.minio.svc.cluster.local:9000",
      "[2001:db8::1]:9000",
      "10.0.0.1",
      "s3.eu-central-1.amazonaws.com",
    ),
    fc.stringMatching(/^[a-z][a-z0-9]{0,8}(\.[a-z][a-z0-9]{0,8}){0,2}:[1-9][0-9]{0,3}$/),
  ),
  insecure: fc.boolean(),
  region: fc.stringMatching(/^[a-z]{2}-[a-z]{1,8}-[0-9]$/),
};

const cache = fc.oneof(
  fc.constant({ cache: false as const }),
  some({
    ...store,
    bucket,
    expireAfterDays: fc.integer({ min: 1 }),
    quota: fc.tuple(fc.integer({ min: 1, max: mostMemory }), fc.nat(3)).map(([size, style]) => memory(size, style)),
    ...{ adopt: fc.constant(false), deleteWithStack: fc.boolean() },
  }).map((settings) => ({ cache: settings })),
  fc
    .tuple(some({ ...store, bucket }), fc.constant({ adopt: true }))
    .map(([settings, adopt]) => ({ cache: { ...settings, ...adopt } })),
  fc
    .tuple(some(store), fc.record({ bucket, credentials: fc.record({ accessKey: key, secretKey: key }) }))
    .map(([settings, given]) => ({ cache: { ...settings, ...given } })),
);

const nodeAffinity = {
  requiredDuringSchedulingIgnoredDuringExecution: {
    nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/arch", operator: "In", values: ["arm64"] }] }],
  },
};
const podAntiAffinity = {
  requiredDuringSchedulingIgnoredDuringExecution: [
    { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "gitlab-runner" } } },
  ],
};

const manager = some({
  ...{ concurrent: fc.integer({ min: 1 }), checkInterval: fc.integer({ min: 1 }), replicas: fc.integer({ min: 1 }) },
  requestConcurrency: fc.integer({ min: 1 }),
  resources,
  nodeSelector,
  tolerations: fc.array(managerToleration, { maxLength: 4 }),
  affinity: some({
    nodeAffinity: fc.constant(nodeAffinity),
    podAffinity: fc.constant(podAntiAffinity),
    podAntiAffinity: fc.constant(podAntiAffinity),
  }),
  ...{ priorityClassName: objectName, certsSecret: objectName },
  shutdownTimeout: fc.nat(),
  logLevel: fc.constantFrom("debug", "info", "warn", "error", "fatal", "panic"),
  logFormat: fc.constantFrom("runner", "text", "json"),
  ...{ metrics: fc.boolean(), podMonitor: fc.boolean(), alerts: fc.boolean(), dashboard: fc.boolean() },
  monitoringLabels: dictionary(labelKey, labelValue),
  image: fc.tuple(image, tag).map((parts) => parts.join("")),
});

const jobs = some({
  image: fc.tuple(image, fc.option(tag, { nil: "" })).map((parts) => parts.join("")),
  helperImage: fc.tuple(image, tag).map((parts) => parts.join("")),
  privileged: fc.boolean(),
  ...{ resources, helperResources: resources, serviceResources: resources },
  overwriteMaxAllowed: some({ build: maximum, helper: maximum, service: maximum }),
  pullPolicy: fc.array(fc.constantFrom("always", "if-not-present", "never"), { minLength: 1, maxLength: 3 }),
  imagePullSecrets: fc.array(objectName, { maxLength: 3 }),
  allowedImages: fc.array(
    anyText.filter((text) => text !== ""),
    { maxLength: 3 },
  ),
  allowedServices: fc.array(
    anyText.filter((text) => text !== ""),
    { maxLength: 3 },
  ),
  environment: dictionary(variableName, anyText),
  nodeSelector,
  tolerations: fc.uniqueArray(toleration, { maxLength: 4, selector: tolerationKey }),
  ...{ priorityClassName: objectName, runtimeClassName: objectName },
  podLabels: dictionary(labelKey, fc.oneof(labelValue, fc.constantFrom("$CI_PROJECT_ID", "p-${CI_JOB_ID}"))),
  podAnnotations: dictionary(labelKey, anyText),
  ...{ serviceAccount: objectName, namespace: label },
  podSpec: fc.array(
    fc.record(
      {
        name: anyText.filter((text) => text !== ""),
        type: fc.constantFrom("strategic", "merge", "json"),
        patch: fc.oneof(jsonObject, fc.array(jsonObject, { maxLength: 2 })),
      },
      { requiredKeys: ["name", "patch"] },
    ),
    { maxLength: 2 },
  ),
});

/** What the chart knows and the program leaves alone. */
const furtherValues = some({
  revisionHistoryLimit: fc.nat(),
  hostname: label,
  imagePullPolicy: fc.constantFrom("Always", "IfNotPresent"),
  deploymentLabels: dictionary(labelKey, labelValue),
  podAnnotations: dictionary(fc.stringMatching(/^own\/[a-z]{1,8}$/), anyText),
  podLabels: dictionary(fc.stringMatching(/^own\/[a-z]{1,8}$/), labelValue),
  extraEnv: dictionary(fc.stringMatching(/^OWN_[A-Z]{1,8}$/), anyText),
  metrics: some({ portName: label, podMonitor: some({ interval: fc.constant("30s") }) }),
  securityContext: some({ readOnlyRootFilesystem: fc.boolean() }),
});

const chart = fc
  .tuple(
    fc.oneof(
      some({
        version: fc.constantFrom("0.86.0", "0.85.0", "0.87.1-rc.1", "1.0.0"),
        repository: fc.constantFrom("https://charts.gitlab.io", "http://127.0.0.1:8080/charts"),
      }),
      fc.constant({ path: chartPath }),
    ),
    some({ timeoutSeconds: fc.integer({ min: 1, max: 86_400 }), values: furtherValues }),
  )
  .map(([source, settings]) => ({ ...source, ...settings }));

const quota = fc
  .tuple(
    dictionary(
      fc.constantFrom("requests.cpu", "limits.cpu", "requests.memory", "limits.memory", "requests.storage"),
      fc.constantFrom("8", 8, 1.5, "500m", "16Gi", "1e3"),
    ),
    dictionary(fc.constantFrom("pods", "count/jobs.batch", "services.nodeports", "requests.nvidia.com/gpu"), fc.nat()),
  )
  .map(([amounts, counts]) => ({ ...amounts, ...counts }));

const range = fc.oneof(
  fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, bits]) => `${address}/${bits}`),
  fc.constantFrom("2001:db8::/32", "::/0"),
);
const ranges = fc.array(range, { minLength: 1, maxLength: 3 });
const networkPolicy = fc.oneof(
  fc.boolean(),
  some({ gitlab: ranges, cache: ranges, apiServer: ranges, jobs: fc.array(range, { maxLength: 2 }) }),
);

/** A stack's configuration that has no problem, and the secrets in it. */
export interface ValidStack extends StackFile {
  readonly values: Readonly<Record<string, unknown>>;
  readonly secrets: readonly string[];
  readonly secretTexts: readonly string[];
}

/** Every valid configuration, or as good as. */
export const validStack: fc.Arbitrary<ValidStack> = fc
  .tuple(
    owner,
    some({
      gitlabUrl: fc.constantFrom("https://gitlab.com", "http://gitlab.local:8080/", "https://example.com/gitlab"),
      rotation: anyText,
      namespace: label,
      cache: cache.map((settings) => settings.cache),
      manager,
      jobs,
      linkerd: fc.boolean(),
      chart,
      podSecurity: fc.constantFrom("", "privileged", "baseline", "restricted"),
      quota,
      networkPolicy,
      caCertificate: fc.constantFrom("", caCertificate, caCertificate + caCertificate),
    }),
  )
  .map(([{ values: owned, secrets: ownSecrets }, values]) => {
    const { linkerd = false, podSecurity = "", caCertificate: authority = "", cache: store } = values;
    const level = linkerd && podSecurity === "restricted" ? "privileged" : podSecurity;
    const isPrivileged = level === "privileged" || (level === "" && linkerd);
    const credentials =
      store !== undefined && store !== false && "credentials" in store ? store.credentials : undefined;
    const secretTexts: Record<string, readonly string[]> = {
      ...ownSecrets,
      ...(credentials === undefined ? {} : { cache: Object.values(credentials) }),
    };
    return {
      values: {
        ...owned,
        ...values,
        ...("podSecurity" in values ? { podSecurity: level } : {}),
        ...(values.manager === undefined ? {} : { manager: fitManager(values.manager, authority) }),
        ...(values.jobs === undefined ? {} : { jobs: fitJobs(values.jobs, values.namespace, isPrivileged) }),
      },
      secrets: Object.keys(secretTexts),
      secretTexts: Object.values(secretTexts).flat(),
    };
  });

type Drawn<T> = T extends fc.Arbitrary<infer Value> ? Value : never;

function fitManager({ certsSecret, monitoringLabels, ...settings }: Drawn<typeof manager>, authority: string) {
  const hasMonitor = settings.podMonitor === true || settings.alerts === true;
  return {
    ...settings,
    ...(certsSecret === undefined || authority !== "" ? {} : { certsSecret }),
    ...(hasMonitor && monitoringLabels !== undefined ? { monitoringLabels } : {}),
    ...(hasMonitor || settings.dashboard === true ? { metrics: true } : {}),
  };
}

function fitJobs(
  { namespace, serviceAccount, privileged, ...settings }: Drawn<typeof jobs>,
  managerNamespace = "gitlab-runner",
  isPrivileged: boolean,
) {
  return {
    ...settings,
    ...(namespace === undefined || namespace === managerNamespace ? {} : { namespace }),
    ...(serviceAccount === undefined || serviceAccount === "gitlab-runner" ? {} : { serviceAccount }),
    ...(privileged === undefined ? {} : { privileged: privileged && isPrivileged }),
  };
}
