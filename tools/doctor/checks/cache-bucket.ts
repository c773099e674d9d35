import { ok, problem, skipped, type Check } from "../check.ts";
import { restore } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { putBack } from "../fixes/put-back.ts";

/** S3's word for a bucket that does not exist. */
export const noBucket = "NoSuchBucket";

/** The bucket of the cache exists. */
export const cacheBucket: Check<DoctorContext> = {
  id: "cache-bucket",
  title: "The cache's bucket is there",
  needs: ["cache-key"],
  run: async ({ bucketListing, outputs: { cacheBucket: name = "" }, store, stack }) => {
    const answer = await bucketListing();
    if (answer !== undefined && answer !== noBucket) {
      return skipped(`The keys may not list it (${answer}), so this cannot be told.`);
    }
    return answer === noBucket
      ? problem(
          `There is no bucket ${name} at ${store?.url ?? ""}: jobs run, each with an empty cache.`,
          restore(stack),
          putBack(stack),
        )
      : ok(name);
  },
};
