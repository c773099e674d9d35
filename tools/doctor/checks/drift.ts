import { z } from "zod";
import { ok, problem, type Check, type Finding } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { adoptResource } from "../fixes/adopt-resource.ts";
import { forgetResources } from "../fixes/forget-resources.ts";
import { putBack } from "../fixes/put-back.ts";
import { nameOf, resourceTypes, type ExportedState, type StateResource } from "../stack-state.ts";
import type { Commands } from "../run-commands.ts";

const preview = z.looseObject({
  steps: z
    .array(
      z.looseObject({
        op: z.string(),
        urn: z.string(),
        newState: z
          .looseObject({
            type: z.string(),
            parent: z.string().optional(),
            inputs: z.record(z.string(), z.unknown()).optional(),
          })
          .optional(),
      }),
    )
    .default([]),
  diagnostics: z
    .array(z.looseObject({ urn: z.string().optional(), message: z.string(), severity: z.string() }))
    .default([]),
});

/** The output of `pulumi preview --json`, as far as it is used here. */
export type Preview = z.output<typeof preview>;

/** Operations that change nothing. */
const idle = ["same", "refresh", "read"];

/** @returns a check that Pulumi itself finds no changes; only `--fix` runs it, since it takes time */
export function drift(
  commands: Commands,
  state: ExportedState,
  isOwnBucket: (name: string) => Promise<boolean>,
): Check<DoctorContext> {
  return {
    id: "drift",
    title: "Pulumi finds no drift",
    run: async ({ stack }) => {
      const { stdout, stderr } = await commands.askPulumi(["preview", "--refresh", "--json"]);
      let content: unknown;
      try {
        content = JSON.parse(stdout);
      } catch {
        return problem(`pulumi preview --refresh: ${stderr.trim().replace(/^error: /, "")}`, "Fix what it reports.");
      }
      const found = preview.parse(content);
      const ownBuckets = new Set<string>();
      for (const { name } of missingBuckets(found, state)) {
        if (await isOwnBucket(name)) {
          ownBuckets.add(name);
        }
      }
      return judge(found, state, stack, ownBuckets);
    },
  };
}

/**
 * @param ownBuckets names of existing buckets that the stack created
 * @returns the result of a preview: what Pulumi would do, or why it cannot do anything
 */
export function judge(
  found: Preview,
  state: ExportedState,
  stack: string,
  ownBuckets: ReadonlySet<string> = new Set(),
): Finding {
  const { steps, diagnostics } = found;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const gone = [...new Set(errors.flatMap((error) => goneResources(error, state)))];
  if (gone.length > 0) {
    return problem(
      `${gone.map(({ urn }) => nameOf(urn)).join(" and ")} cannot be read, since it was deleted in MinIO: ` +
        "every pulumi up, refresh and destroy fails.",
      `npm run doctor -- --stack ${stack} --fix`,
      forgetResources(gone),
    );
  }
  if (errors.length > 0) {
    const said = errors.map(({ message }) => message.trim().replace(/^error: /, ""));
    return problem(`pulumi preview --refresh fails: ${said.join("\n")}`, "Fix what it reports.");
  }
  const changes = steps.filter(({ op }) => !idle.includes(op)).map(({ op, urn }) => `${op} ${nameOf(urn)}`);
  return changes.length === 0
    ? ok("preview --refresh: no changes")
    : problem(
        `It would ${[...new Set(changes)].join(", ")}.`,
        putBack(stack).commands.join("\n"),
        putBack(stack),
        ...missingBuckets(found, state).map(({ name, resource }) => {
          const isOwn = ownBuckets.has(name);
          const fix = adoptResource(stack, resource, isOwn);
          return isOwn ? fix : fix && { ...fix, lastResort: true as const };
        }),
      );
}

/** @returns the buckets that Pulumi would create and that are not in the state: if one already exists, pulumi up fails */
function missingBuckets({ steps }: Preview, state: ExportedState) {
  const known = new Set(state.deployment?.resources?.map(({ urn }) => urn));
  return steps.flatMap(({ op, urn, newState }) => {
    const name = newState?.inputs?.["bucket"];
    if (op !== "create" || newState?.type !== resourceTypes.bucket || known.has(urn) || typeof name !== "string") {
      return [];
    }
    const { type, parent, inputs } = newState;
    return [{ name, resource: { urn, type, parent, inputs } }];
  });
}

/**
 * MinIO's provider fails to read a deleted policy, or an attachment of a deleted user, instead of reporting it as deleted.
 * Source: https://github.com/aminueza/terraform-provider-minio/tree/main/minio, `minioReadPolicy` and `minioReadUserPolicyAttachment`
 * @returns the resources that an error says this about, and those that depend on them
 */
function goneResources({ urn, message }: Preview["diagnostics"][number], state: ExportedState): StateResource[] {
  const types: readonly string[] = [resourceTypes.policy, resourceTypes.user, resourceTypes.attachment];
  const resources = state.deployment?.resources ?? [];
  const named = resources.filter((resource) => resource.urn === urn && types.includes(resource.type));
  if (named.length === 0 || !/does not exist|NoSuch(User|Policy)/i.test(message)) {
    return [];
  }
  // A resource that is being replaced is in the state twice: the message names the affected user or policy.
  const isMeant = ({ id = "" }: StateResource) =>
    message.includes(id) || [...message.matchAll(/\(([^()\s]+)/g)].some(([, name = ""]) => id.startsWith(name));
  const meant = named.length > 1 && named.some(isMeant) ? named.filter(isMeant) : named;
  const attachments = resources.filter(
    ({ type, dependencies }) =>
      type === resourceTypes.attachment && dependencies?.some((source) => meant.some((one) => one.urn === source)),
  );
  return [...new Set([...meant, ...attachments])];
}
