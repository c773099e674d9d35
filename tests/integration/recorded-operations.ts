import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const steps = z.array(z.string());
const replacementOrder = z.record(z.string(), z.enum(["create-first", "DELETE-FIRST"]));

const record = z.strictObject({
  what: z.string(),
  recorded: z.iso.date(),
  operations: z.array(
    z.strictObject({
      operation: z.string(),
      before: z.string(),
      command: z.string(),
      exitCode: z.int(),
      steps,
      replacementOrder: replacementOrder.default({}),
      errors: z.array(z.string()).default([]),
    }),
  ),
});

/** One operation, and what it did with the published providers. */
export type RecordedOperation = z.output<typeof record>["operations"][number];

/** The operations that were recorded with the published providers, in the order in which they build on each other. */
export const recordedOperations: readonly RecordedOperation[] = record.parse(
  JSON.parse(readFileSync(join(import.meta.dirname, "../fixtures/recorded-operations.json"), "utf8")),
).operations;

/** What an operation does otherwise than recorded, because the program is better than it was then. */
interface Improvement {
  readonly reason: string;
  /** Shell command in place of the recorded one. */
  readonly before?: string;
  /** Steps that were not recorded. */
  readonly added?: readonly string[];
  /** Recorded steps that are no longer there. */
  readonly removed?: readonly string[];
  readonly replacementOrder?: RecordedOperation["replacementOrder"];
}

const rotation: Improvement = {
  reason: "a credential is deleted only once the new one is in use",
  replacementOrder: Object.fromEntries(
    ["cache-user", "cache-user-policy", "credentials-cache", "credentials-token"].map((name) => [
      `gitlab-runner-${name}`,
      "create-first",
    ]),
  ),
};

const rolled = "~ Release gitlab-runner-release updated";

/** The policy of the jobs in the namespace that they share with the manager. */
const jobPolicy = "NetworkPolicy gitlab-runner-namespace-jobs";
const closed = "a policy keeps jobs from the cloud's metadata service, without networkPolicy, too";

const moved: Improvement = {
  reason: closed,
  added: [`++ ${jobPolicy} created replacement`, `+- ${jobPolicy} replaced`, `-- ${jobPolicy} deleted original`],
  replacementOrder: { "gitlab-runner-namespace-jobs": "create-first" },
};

const improvements: Readonly<Record<string, Improvement>> = {
  rotation,
  "rotation again": rotation,
  networkPolicy: { reason: closed, removed: [`+ ${jobPolicy} created`], added: [`~ ${jobPolicy} updated`] },
  "networkPolicy off": { reason: closed, removed: [`- ${jobPolicy} deleted`], added: [`~ ${jobPolicy} updated`] },
  "jobs namespace": {
    reason: closed,
    added: ["+ NetworkPolicy gitlab-runner-jobs-jobs created", `- ${jobPolicy} deleted`],
  },
  "jobs namespace gone": {
    reason: closed,
    added: [`+ ${jobPolicy} created`, "- NetworkPolicy gitlab-runner-jobs-jobs deleted"],
  },
  "namespace renamed": moved,
  "namespace back": moved,
  "secret deleted, up --refresh": {
    reason: "Pulumi names the Secret, and the manager restarts with the new one",
    before: 'kubectl -n gitlab-runner delete secret "$(pulumi stack output tokenSecret)"',
    added: [rolled],
  },
  "secret edited, up --refresh": {
    reason: "the manager restarts with the right token, and the Secret that it had is deleted only then",
    before:
      'kubectl -n gitlab-runner patch secret "$(pulumi stack output tokenSecret)" -p \'{"stringData":{"runner-token":"glrt-wrong"}}\'',
    added: [rolled],
    replacementOrder: { "gitlab-runner-credentials-token": "create-first" },
  },
};

/** Shell commands that the record leaves out: it was put together from two runs. */
export const preparations: Readonly<Record<string, string>> = {
  // The refresh that failed has dropped the user all the same, and the next one would fail, too.
  "expiry rule deleted, up --refresh": [
    "key=$(kubectl -n gitlab-runner get secrets -o 'go-template={{range .items}}{{with .data.accesskey}}{{. | base64decode}}{{end}}{{end}}')",
    'mc admin user add minio "$key" a-secret-that-pulumi-sets-anew',
    "pulumi up --refresh",
  ].join(" && "),
  // Recorded after a refresh that had dropped user and expiry rule, and then failed.
  "bucket renamed with an object in it": [
    recorded("user deleted, up --refresh").before,
    recorded("expiry rule deleted, up --refresh").before,
    "! pulumi up --refresh",
  ].join(" && "),
};

function recorded(name: string): RecordedOperation {
  const found = recordedOperations.find(({ operation }) => operation === name);
  if (found === undefined) {
    throw new Error(`no operation ${JSON.stringify(name)} was recorded`);
  }
  return found;
}

/**
 * @returns the operations as they are today: as recorded, but for the improvements
 * @throws Error where an improvement is none
 */
export function expectedOperations(): RecordedOperation[] {
  for (const name of [...Object.keys(improvements), ...Object.keys(preparations)]) {
    recorded(name);
  }
  return recordedOperations.map((operation) => improved(operation, improvements[operation.operation]));
}

function improved(operation: RecordedOperation, improvement: Improvement | undefined): RecordedOperation {
  if (improvement === undefined) {
    return operation;
  }
  const { reason: _, before = operation.before, added = [], removed = [], replacementOrder: order = {} } = improvement;
  const useless = [
    ...(improvement.before === operation.before ? [before] : []),
    ...added.filter((step) => operation.steps.includes(step)),
    ...removed.filter((step) => !operation.steps.includes(step)),
    ...Object.keys(order).filter((name) => order[name] === operation.replacementOrder[name]),
  ];
  if (useless.length > 0 || Object.keys(improvement).length === 1) {
    throw new Error(`${operation.operation} is no improvement of the record: ${useless.join(", ")}`);
  }
  return {
    ...operation,
    before,
    steps: [...operation.steps.filter((step) => !removed.includes(step)), ...added].sort(),
    replacementOrder: { ...operation.replacementOrder, ...order },
  };
}
