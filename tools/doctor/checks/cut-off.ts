import { ok, warning, type Check } from "../check.ts";
import { restore } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { adoptResource } from "../fixes/adopt-resource.ts";
import { clearPending } from "../fixes/clear-pending.ts";
import { putBack } from "../fixes/put-back.ts";
import { nameOf, pendingCreations, rootOf, type ExportedState } from "../stack-state.ts";

/** @returns a check that no `pulumi up` was killed while it created something, which may exist without Pulumi's knowledge */
export function cutOff(state: ExportedState): Check<DoctorContext> {
  return {
    id: "cut-off",
    title: "No creation was interrupted",
    run: ({ stack }) => {
      const pending = pendingCreations(state);
      const resources = state.deployment?.resources ?? [];
      const clear = clearPending(stack, rootOf(state)?.urn);
      const missing = pending.filter(
        (one) => !resources.some(({ urn, delete: old }) => urn === one.urn && old !== true),
      );
      const fixes =
        missing.length === 0
          ? [clear]
          : [
              ...missing.map((resource) => adoptResource(stack, resource, true)),
              putBack(stack),
              { ...clear, lastResort: true as const },
            ];
      return Promise.resolve(
        pending.length === 0
          ? ok("no operation is pending")
          : warning(
              `Pulumi was killed while creating ${pending.map(({ urn }) => nameOf(urn)).join(", ")}.`,
              restore(stack),
              ...fixes,
            ),
      );
    },
  };
}
