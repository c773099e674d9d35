import { ok, problem, skipped, type Check } from "../check.ts";
import { restore } from "../commands.ts";
import { probeObject, type DoctorContext } from "../context.ts";
import { cacheBucket, noBucket } from "./cache-bucket.ts";
import { putBack } from "../fixes/put-back.ts";

const effects = {
  put: "no job can save its cache",
  get: "no job can restore its cache",
  list: "a cache that does not exist yet is an error for the job, not a miss",
};

/** The keys can do everything that the runner needs. */
export const cacheWorks: Check<DoctorContext> = {
  id: "cache-rights",
  title: "The cache's keys can put, get and list",
  needs: ["cache-key"],
  run: async ({ bucketListing, trial, expected, outputs: { cacheBucket: bucket = "", release }, stack }) => {
    if ((await bucketListing()) === noBucket) {
      return skipped(`It needs: ${cacheBucket.title}.`);
    }
    const tried = await trial();
    const refused = (["put", "get", "list"] as const).filter((action) => tried[action] !== undefined);
    return refused.length === 0
      ? ok(`tested with the object ${probeObject(release.name)}, which stays until it expires`)
      : problem(
          refused
            .map(
              (action) =>
                `They are not allowed to ${action} in ${bucket} (${tried[action] ?? ""}): ${effects[action]}.`,
            )
            .join("\n"),
          expected.cache?.ownKeys === true
            ? restore(stack)
            : `Give their user s3:GetObject and s3:PutObject on ${bucket}/*, and s3:ListBucket on ${bucket}.`,
          expected.cache?.ownKeys === true ? putBack(stack) : undefined,
        );
  },
};
