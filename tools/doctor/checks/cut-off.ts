import { ok, warning, type Check } from "../check.ts";
import { restore } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { adoptResource } from "../fixes/adopt-resource.ts";
import { putBack } from "../fixes/put-back.ts";
import { nameOf, pendingCreations, resourceTypes, type ExportedState, type StateResource } from "../stack-state.ts";

/** @returns a check that no `pulumi up` was killed while it made something, which may be there without Pulumi's knowledge */
export function cutOff(state: ExportedState): Check<DoctorContext> {
  return {
    id: "cut-off",
    title: "Nothing was cut off while it was made",
    run: ({ stack }) => {
      const pending = pendingCreations(state);
      const adoptions = pending.map((resource) => {
        const id = idOf(resource);
        return id === undefined ? undefined : adoptResource(stack, resource, id);
      });
      return Promise.resolve(
        pending.length === 0
          ? ok("no operation is pending")
          : warning(
              `Pulumi was killed while it made ${pending.map(({ urn }) => nameOf(urn)).join(", ")}.`,
              restore(stack),
              ...adoptions,
              putBack(stack),
            ),
      );
    },
  };
}

/** The id that a resource has by its inputs, where the provider would not make it a second time, or would leave the first behind. */
function idOf({ type, inputs = {} }: StateResource): string | undefined {
  const id =
    type === resourceTypes.bucket ? inputs["bucket"] : type === resourceTypes.policy ? inputs["name"] : undefined;
  return typeof id === "string" ? id : undefined;
}
