import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { rules } from "../../components/settings/rules.ts";
import { validStack } from "./config-arbitrary.ts";
import { runConfigCommand } from "./config-commands.ts";
import { assertFixes, commandsIn, followFix, needsMore } from "./config-fixes.ts";
import { mistakes, type Mistake } from "./config-mistakes.ts";
import { findMessage, messageOf, problemsIn, type StackFile } from "./config-reading.ts";
import { deploy } from "./mock-engine.ts";

const allMistakes = Object.values(mistakes).flat();

function fileOf({ values, secrets }: Mistake): StackFile {
  return { values: { projectId: 1, ...values }, secrets };
}

function lines(problem: string, fix: string): string {
  return `  ${problem}\n    ${fix}`;
}

describe("a mistake in the configuration", { timeout: 60_000 }, () => {
  before(async () => {
    await deploy(() => undefined); // Names project and stack.
  });

  for (const [place, rows] of Object.entries(mistakes)) {
    describe(place, () => {
      for (const row of rows) {
        test(`${row.title}: it is named, with what to do about it, and nothing else is`, () => {
          assert.equal(
            messageOf(fileOf(row).values, row.secrets),
            `The stack's configuration has one problem:\n${lines(row.problem, row.fix)}\nNothing was created or changed.`,
          );
        });

        const { others } = commandsIn(row.fix);
        if (!needsMore.test(row.fix)) {
          test(`${row.title}: the command fixes it`, () => {
            const message = findMessage(followFix(row.fix, fileOf(row), row.answer));
            assert.equal(message?.includes(`${row.problem}\n`) ?? false, false);
            assert.equal(message !== undefined, row.lacksMore ?? false, message);
          });
        }
        for (const other of others) {
          test(`${row.title}: so does ${other}`, () => {
            const fixed = runConfigCommand(other, fileOf(row), row.answer);
            assert.notDeepEqual(fixed, fileOf(row));
            const message = findMessage(fixed) ?? "";
            assert.ok(!message.includes(`${row.problem}\n`), message);
          });
        }
      }
    });
  }

  test("shows no secret", () => {
    const secrets = /s3cr3t|AKIA12345|GR1348941|glrt-\w|"accessKey":123456789|20260101|:pa\/?ss@/;
    const shown = allMistakes.filter(({ problem, fix }) => secrets.test(problem + fix));
    assert.deepEqual(shown, []);
    assert.ok(allMistakes.some(({ values }) => secrets.test(JSON.stringify(values))));
  });

  test("is in the table for each rule between settings", (t) => {
    const spies = rules.map((rule) => ({ keys: rule.keys.join(", "), find: t.mock.method(rule, "find").mock }));
    allMistakes.forEach((mistake) => findMessage(fileOf(mistake)));
    const silent = spies.filter(({ find }) => !find.calls.some(({ result }) => (result as unknown[]).length > 0));
    assert.deepEqual(
      silent.map(({ keys }) => keys),
      ["namespace, name"], // A stack's component has a name that breaks no rule; gitlab-runner.test.ts gives others.
      "no mistake in config-mistakes.ts breaks a rule between these settings",
    );
  });

  test("stands in the table once", () => {
    const titles = Object.entries(mistakes).flatMap(([place, rows]) => rows.map(({ title }) => `${place}: ${title}`));
    assert.equal(new Set(titles).size, titles.length);
  });
});

describe("several mistakes", { timeout: 60_000 }, () => {
  before(async () => {
    await deploy(() => undefined);
  });

  /** One of almost everything. */
  const values = {
    gitlabUrl: "https://gitlab.example.com/api/v4",
    projectId: 1,
    extraProjects: [2, 2, 1],
    locked: true,
    tags: ["ci", "ci", "arm64", "arm64"],
    maximumTimeout: 5,
    namespace: "CI",
    cache: { bucket: "My Bucket", server: "minio:0", adopt: true, quota: "5Gi", regoin: "x" },
    manager: {
      replicas: 0,
      podMonitor: true,
      resources: { requests: { cpu: "much", memory: "2Gi" }, limits: { memory: "1Gi" } },
    },
    jobs: {
      image: 5,
      privileged: true,
      tolerations: [{ key: "ci" }, { key: "ci" }],
      overwriteMaxAllowed: { build: { limits: { cpu: 1 } } },
    },
    chart: { version: "0.1.0", timeoutSeconds: 0 },
    quota: { "requests.cpu": "x", pods: 0.5 },
    caCertificate: "none",
  };

  test("are all named at once, wrong values and contradictions alike", () => {
    const message = messageOf(values);
    assert.match(message, /^The stack's configuration has 25 problems:\n/);
    assert.deepEqual(
      problemsIn(message).map(({ problem }) => problem),
      [
        "maximumTimeout: must be a whole number of seconds, at least 600, but is 5",
        'namespace: must be a DNS label: a-z, 0-9 and -, 63 characters at most, but is "CI"',
        'cache.bucket: must be a bucket name: a-z, 0-9, - and ., 3 to 63 characters, a letter or digit at both ends, but is "My Bucket"',
        "cache.regoin: there is no such key; did you mean cache.region?",
        "manager.replicas: must be at least 1, but is 0",
        'manager.resources.requests.cpu: must be a CPU quantity: cores, such as 0.5, or millicores, such as 500m, but is "much"',
        'manager.resources.requests.memory: must not be above the limit, 1Gi, but is "2Gi"',
        "jobs.image: must be text, but is 5",
        "chart.timeoutSeconds: must be at least 1, but is 0",
        'quota["requests.cpu"]: must be a Kubernetes quantity, but is "x"',
        "quota.pods: must be a whole number, but is 0.5",
        "locked: must be false with extraProjects: GitLab does not enable a locked runner for other projects (403), but is true",
        "extraProjects[2]: must not name the project that owns the runner, but is 1",
        "extraProjects[1]: must name each project once, but is 2",
        'tags[3]: must name each tag once, but is "arm64"',
        'tags[1]: must name each tag once, but is "ci"',
        "jobs.privileged: must be false where podSecurity is baseline, its default: Kubernetes refuses privileged pods there, but is true",
        'gitlabUrl: must be GitLab\'s own address, without /api/v4, query or user name, but is "https://gitlab.example.com/api/v4"',
        "manager.podMonitor: must be false where manager.metrics is false: there is nothing to monitor, but is true",
        "caCertificate: must be one or more certificates as PEM and nothing else, above all no private key",
        'jobs.tolerations[1]: must be the only toleration of its key and value: the runner supports one of each, but is "ci="',
        'jobs.overwriteMaxAllowed.build.limits.cpu: must not be below what every job gets: jobs.resources.limits.cpu is 2, but is "1"',
        'cache.quota: must not be set with cache.adopt: this stack does not own the bucket, but is "5Gi"',
        'cache.server: must have a port from 1 to 65535, but is "minio:0"',
        'chart.version: must be at least 0.85.0, the first that knows manager.podMonitor, but is "0.1.0"',
      ],
    );
  });

  test("are fixed by the commands of one message, from top to bottom", () => {
    const commands = problemsIn(messageOf(values))
      .map(({ fix }) => commandsIn(fix))
      .flatMap(({ first, next }) => (needsMore.test(first) ? ["pulumi config rm caCertificate"] : [first, ...next]));
    const fixed = commands.reduce<StackFile>((file, command) => runConfigCommand(command, file), { values });
    assert.equal(findMessage(fixed), undefined);
  });

  for (const [title, values, problems] of [
    ["a type that is none says nothing about its owner", { runnerType: "team", projectId: 0 }, ["runnerType"]],
    ["a key by another name stands for the one that was meant", { projectid: 5, projectId: 0 }, ["projectid"]],
    ["a token that is none is still a token", { runnerToken: "glpat-x", projectId: 0 }, ["runnerToken"]],
    ["wrong tags are not no tags", { tags: "ci" }, ["tags"]],
    ["a list is looked at once each of its entries is right", { tags: ["ci", "ci", 5] }, ["tags[2]"]],
    ["a wrong level may allow privileged jobs", { podSecurity: "all", jobs: { privileged: true } }, ["podSecurity"]],
    ["a wrong word for a boolean may be either", { manager: { podMonitor: true, metrics: 5 } }, ["manager.metrics"]],
    ["a wrong version may be new enough", { chart: { version: "latest" } }, ["chart.version"]],
    ["a wrong path is a path", { chart: { path: 5, repository: "https://charts.gitlab.io" } }, ["chart.path"]],
    [
      "credentials that are none may belong to a bucket",
      { cache: { credentials: "x", expireAfterDays: 5 } },
      ["cache.credentials"],
    ],
    [
      "other keys of the same object are looked at",
      { jobs: { image: "", privileged: true, serviceAccount: "gitlab-runner" } },
      ["jobs.image", "jobs.privileged", "jobs.serviceAccount"],
    ],
  ] as const) {
    test(`raise no false alarm: ${title}`, () => {
      const named = problemsIn(messageOf({ projectId: 1, ...values })).map(({ problem }) => problem.split(": ")[0]);
      assert.deepEqual(named, problems);
    });
  }
});

const plainText = fc.string({ maxLength: 12 });
const plainKey = fc.stringMatching(/^[ !#-'*-,.-[\]-~][ !#-'*-[\]-~]{0,9}$/);
const scalar = fc.oneof(
  plainText,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const anyJson = fc.oneof(
  { weight: 2, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(fc.oneof(scalar, fc.dictionary(plainKey, scalar)), { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.dictionary(plainKey, fc.oneof(scalar, fc.array(scalar)), { maxKeys: 3 }) },
);

/** A valid configuration with another value in one place, or one more. */
const spoiltStack = fc
  .tuple(validStack, fc.nat(), anyJson, fc.option(plainKey, { nil: undefined }))
  .map(([{ values, secrets }, place, value, name]) => {
    const spoilt = structuredClone(values) as Record<string, unknown>;
    const places = placesIn(spoilt);
    const [object, key] = places[place % places.length] ?? [spoilt, "jobs"];
    if (name !== undefined && !Array.isArray(object)) {
      (object as Record<string, unknown>)[name] = value;
    } else {
      (object as Record<string, unknown>)[key] = value;
    }
    return { values: spoilt, secrets };
  });

function placesIn(object: object): (readonly [object, string])[] {
  return Object.entries(object).flatMap(([key, value]: [string, unknown]) => [
    [object, key] as const,
    ...(typeof value === "object" && value !== null ? placesIn(value) : []),
  ]);
}

describe("any other value", { timeout: 60_000 }, () => {
  before(async () => {
    await deploy(() => undefined);
  });

  test("is taken, or refused in people's words with a command that fixes it", () => {
    fc.assert(
      fc.property(spoiltStack, (file) => {
        const message = findMessage(file);
        fc.pre(message !== undefined);
        for (const { problem, fix } of problemsIn(message)) {
          const words = problem.replace(/, but is .*/, "") + fix;
          assert.doesNotMatch(words, /\b(Invalid|undefined|VALUE|NaN)\b|\[object/);
          assertFixes({ problem, fix }, message, file);
        }
      }),
      { numRuns: 250, endOnFailure: true },
    );
  });

  test("of an encrypted key is never shown", (t) => {
    t.mock.method(console, "warn", () => undefined); // Of the valid ones it says that they are no place for secrets.
    const secret = fc.constantFrom("s3cr3t-text", "s3cr3t,s3cr3t", "https://s3cr3t/api/v4", 700700700, "700700700");
    const secretJson = fc.oneof(
      secret,
      fc.array(secret, { minLength: 1, maxLength: 2 }),
      fc.dictionary(plainKey, secret, { minKeys: 1 }),
    );
    fc.assert(
      fc.property(validStack, fc.nat(), secretJson, ({ values, secrets }, place, value) => {
        const spoilt = structuredClone(values) as Record<string, unknown>;
        const places = placesIn(spoilt);
        const [object, key] = places[place % places.length] ?? [spoilt, "jobs"];
        (object as Record<string, unknown>)[key] = value;
        const changed = Object.keys(spoilt).filter(
          (name) => JSON.stringify(spoilt[name]) !== JSON.stringify((values as Record<string, unknown>)[name]),
        );
        const message = findMessage({ values: spoilt, secrets: [...secrets, ...changed] });
        fc.pre(message !== undefined);
        assert.doesNotMatch(message, /s3cr3t|700700700/);
      }),
      { numRuns: 250, endOnFailure: true },
    );
  });
});
