import { readFileSync } from "node:fs";

/** Whether a replacement was there before what it replaces was deleted. */
export type ReplacementOrder = "create-first" | "DELETE-FIRST";

const printedStep =
  /^ *(?<sign>[-+~]{1,2}) +(?<type>[\w.-]+:\S+:(?<kind>\w+)) (?<name>\S+) (?<verb>created replacement|deleted original|created|updated|deleted|replaced)\b/gm;

/**
 * @param output what `pulumi up` printed
 * @returns each step with a resource of a provider, such as `~ Release gitlab-runner-release updated`, sorted
 */
export function printedSteps(output: string): string[] {
  return [...output.matchAll(printedStep)]
    .map(({ groups = {} }) => groups)
    .filter(({ type = "" }) => !/^(gitlab-runner|pulumi):/.test(type))
    .map(({ sign, kind, name, verb }) => [sign, kind, name, verb].join(" "))
    .sort();
}

interface EngineEvent {
  readonly resourcePreEvent?: { readonly metadata: { readonly op: string; readonly urn: string } };
  readonly resOutputsEvent?: EngineEvent["resourcePreEvent"];
}

/**
 * @param eventLog file that `pulumi up --event-log` wrote; each line is an event, in the order of the engine
 * @returns the order of each replacement, by the resource's name; of several resources with one name, delete-first counts
 */
export function replacementOrder(eventLog: string): Record<string, ReplacementOrder> {
  const created = new Set<string>();
  const order: Record<string, ReplacementOrder> = {};
  for (const line of readFileSync(eventLog, "utf8").split("\n").filter(Boolean)) {
    const { resourcePreEvent: started, resOutputsEvent: done } = JSON.parse(line) as EngineEvent;
    if (done?.metadata.op === "create-replacement") {
      created.add(done.metadata.urn);
    }
    if (started?.metadata.op === "delete-replaced") {
      const { urn } = started.metadata;
      const name = urn.slice(urn.lastIndexOf("::") + 2);
      order[name] = created.has(urn) && order[name] !== "DELETE-FIRST" ? "create-first" : "DELETE-FIRST";
    }
  }
  return order;
}
