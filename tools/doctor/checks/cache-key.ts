import { ok, problem, type Check } from "../check.ts";
import { restoreObjects, rotate } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { putBack } from "../fixes/put-back.ts";
import { renew } from "../fixes/renew.ts";

/** S3 error codes for unknown keys. */
const unknownKeys = ["InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AuthFailure"];

/** The store accepts the keys in the Secret. */
export const cacheKey: Check<DoctorContext> = {
  id: "cache-key",
  title: "The object store accepts the cache's keys in the Secret",
  needs: ["object-store", "namespaces"],
  run: async ({ cacheKeys, bucketListing, expected, outputs: { namespace, cacheSecret }, stack, state }) => {
    const secret = `The Secret ${cacheSecret ?? "(none)"} in namespace ${namespace}`;
    const keys = await cacheKeys();
    if (keys === undefined || keys.accessKey === "" || keys.secretKey === "") {
      return problem(
        keys === undefined ? `${secret} does not exist.` : `${secret} lacks accesskey or secretkey.`,
        restoreObjects(stack),
        putBack(stack),
      );
    }
    const answer = await bucketListing();
    return answer !== undefined && unknownKeys.includes(answer)
      ? problem(
          `It responds with ${answer}: the keys do not belong to a user of the store, or no longer do. (${secret})`,
          expected.cache?.ownKeys === true
            ? `If only the Secret was changed: ${restoreObjects(stack)}\nOtherwise create new ones:\n${rotate(stack)}`
            : `pulumi config set --secret --path cache.credentials.secretKey --stack ${stack}\npulumi up --stack ${stack}`,
          putBack(stack),
          renew(stack, state, "cache keys"),
        )
      : ok(cacheSecret ?? "(none)");
  },
};
