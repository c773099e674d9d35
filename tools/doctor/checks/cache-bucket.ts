import { ok, problem, skipped, type Check } from "../check.ts";
import { restore } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { putBack } from "../fixes/put-back.ts";

/** S3 error code for a bucket that does not exist. */
export const noBucket = "NoSuchBucket";

/** The cache's bucket exists. */
export const cacheBucket: Check<DoctorContext> = {
  id: "cache-bucket",
  title: "The cache's bucket exists",
  needs: ["cache-key"],
  run: async ({ bucketListing, outputs: { cacheBucket: name = "" }, store, stack }) => {
    const answer = await bucketListing();
    if (answer !== undefined && answer !== noBucket) {
      return skipped(`The keys are not allowed to list it (${answer}), so this cannot be checked.`);
    }
    return answer === noBucket
      ? problem(
          `There is no bucket ${name} at ${store?.url ?? ""}: jobs run, but each with an empty cache.`,
          restore(stack),
          putBack(stack),
        )
      : ok(name);
  },
};
