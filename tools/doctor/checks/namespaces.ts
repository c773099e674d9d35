import { ok, problem, type Check } from "../check.ts";
import { restoreObjects } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { putBack } from "../fixes/put-back.ts";

/** The namespaces of the manager and the jobs exist, and none is being deleted. */
export const namespaces: Check<DoctorContext> = {
  id: "namespaces",
  title: "The namespaces exist",
  needs: ["kubernetes"],
  run: async ({ kubernetes, outputs, jobNamespace, stack }) => {
    const names = [...new Set([outputs.namespace, jobNamespace])];
    const found = await Promise.all(names.map((name) => kubernetes().namespace(name)));
    const trouble = names.flatMap((name, index) => {
      const namespace = found[index];
      if (namespace === undefined) {
        return [`There is no namespace ${name}.`];
      }
      return namespace.status?.phase === "Terminating" ? [`The namespace ${name} is being deleted.`] : [];
    });
    return trouble.length === 0
      ? ok(names.join(", "))
      : problem(trouble.join("\n"), `Once it is gone: ${restoreObjects(stack)}`, putBack(stack));
  },
};
