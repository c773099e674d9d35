import { ok, problem, skipped, type Check } from "../check.ts";
import { restoreObjects } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { releaseRepair } from "../release-repair.ts";
import { putBack } from "../fixes/put-back.ts";

/** The annotations that request Linkerd's proxy are in place. Labels do not count. */
export const linkerdAnnotations: Check<DoctorContext> = {
  id: "linkerd",
  title: "Linkerd's annotations are in place",
  needs: ["namespaces"],
  run: async (context) => {
    const { kubernetes, outputs, expected, deployment, jobNamespace, stack } = context;
    if (expected.podAnnotations[injection] === undefined) {
      return skipped("linkerd is not configured.");
    }
    const names = [...new Set([outputs.namespace, jobNamespace])];
    const namespaces = await Promise.all(
      names.map(async (name) => ({
        what: `The namespace ${name}`,
        todo: () => Promise.resolve(restoreObjects(stack)),
        metadata: (await kubernetes().namespace(name))?.metadata,
        wanted: expected.namespaceAnnotations[name] ?? {},
      })),
    );
    const template = (await deployment())?.spec?.template.metadata;
    const pods = {
      what: "The manager's pod template",
      todo: () => releaseRepair(context),
      metadata: template,
      wanted: expected.podAnnotations,
    };
    const missing = [...namespaces, ...(template === undefined ? [] : [pods])].flatMap(
      ({ what, todo, metadata, wanted }) =>
        Object.entries(wanted)
          .filter(([key, value]) => key.includes("linkerd.io/") && metadata?.annotations?.[key] !== value)
          .map(([key, value]) => {
            const labelled = metadata?.labels?.[key] !== undefined;
            const label = labelled ? "; it has a label of that name, which has no effect" : "";
            return { todo, text: `${what} lacks the annotation ${key}: ${JSON.stringify(value)}${label}.` };
          }),
    );
    if (missing.length === 0) {
      return ok(names.join(", "));
    }
    const todos = await Promise.all(missing.map(({ todo }) => todo()));
    return problem(missing.map(({ text }) => text).join("\n"), [...new Set(todos)].join("\n"), putBack(stack));
  },
};

/** Annotation that requests the proxy. */
const injection = "linkerd.io/inject";
