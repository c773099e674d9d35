import { ok, problem, skipped, warning, type Check } from "../check.ts";
import { rotate } from "../commands.ts";
import { probeObject, type DoctorContext } from "../context.ts";
import { cacheBucket, noBucket } from "./cache-bucket.ts";
import { renew } from "../fixes/renew.ts";

/** The keys have no other permissions, since any CI job could get hold of them. */
export const cacheScope: Check<DoctorContext> = {
  id: "cache-scope",
  title: "The cache's keys have no other permissions",
  needs: ["cache-key"],
  run: async ({ bucketListing, trial, expected, outputs: { cacheBucket: bucket = "", release }, stack, state }) => {
    if ((await bucketListing()) === noBucket) {
      return skipped(`It needs: ${cacheBucket.title}.`);
    }
    const { remove, buckets } = await trial();
    const others = "refused" in buckets ? [] : buckets.filter((name) => name !== bucket);
    const found = [
      ...(others.length > 0 ? [`They can also access other buckets: ${shorten(others)}.`] : []),
      ...(remove === undefined
        ? [`They can delete objects: they deleted the doctor's own object, ${probeObject(release.name)}.`]
        : []),
    ];
    if (found.length === 0) {
      return ok("they can neither delete objects nor see other buckets");
    }
    return expected.cache?.ownKeys === true
      ? problem(
          found.join("\n"),
          `Their user was given more than the stack's policy. Replace it with one that has only that policy:\n${rotate(stack)}`,
          renew(stack, state, "cache keys"),
        )
      : warning(
          found.join("\n"),
          `Use keys with s3:GetObject and s3:PutObject on ${bucket}/*, and s3:ListBucket on ${bucket} only.`,
        );
  },
};

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
