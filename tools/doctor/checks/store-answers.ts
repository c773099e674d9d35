import { ok, problem, skipped, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { describeError } from "../../clients/describe-error.ts";

/** The object store responds to this machine; jobs may reach it at another address. */
export const storeAnswers: Check<DoctorContext> = {
  id: "object-store",
  title: "The object store answers",
  run: async ({ store, expected }) => {
    if (store === undefined || expected.cache === undefined) {
      return skipped("The stack has no cache.");
    }
    const { source } = store.address;
    try {
      await store.reach();
      return ok(`${store.url} (from ${source})`);
    } catch (error) {
      const found = `${store.url} (from ${source}): ${describeError(error)}`;
      const forward = portForward(expected.cache.server);
      if (forward !== undefined && source === "cache.server") {
        return skipped(`It can be reached only from inside the cluster. ${found}`, forward);
      }
      return problem(
        found,
        [
          ...(forward === undefined ? [] : [forward]),
          source === "minio:minioServer"
            ? "Check the address: pulumi config get minio:minioServer    (or MINIO_ENDPOINT)"
            : `Check the address: ${source === "--store" ? "--store HOST:PORT" : "pulumi config get --path cache.server"}`,
        ].join("\n"),
      );
    }
  },
};

/** @returns how to reach a Service of the cluster from outside, or undefined for any other address */
export function portForward(server: string): string | undefined {
  const [, service = "", namespace = "", port = "80"] =
    /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.[a-z.]+)?(?::(\d+))?$/.exec(server) ?? [];
  return service === ""
    ? undefined
    : `Forward its port, and keep this running:\nkubectl --namespace ${namespace} port-forward service/${service} ${port}:${port}\n` +
        `Then: npm run doctor -- --store localhost:${port} …`;
}
