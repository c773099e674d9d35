// A provider for the tests of provider-server.ts; its outputs tell what it was asked.
import { setTimeout as sleep } from "node:timers/promises";
import { secret } from "../../sandbox/plugins/property-values.ts";
import { serveProvider } from "../../sandbox/plugins/provider-server.ts";
import { ResourceInitError } from "../../sandbox/plugins/resource-handler.ts";
import type { ResourceHandler } from "../../sandbox/plugins/resource-handler.ts";

let configured: unknown;

const probe: ResourceHandler = {
  diff: () => ({
    changes: [
      { path: ["list", 0, "a.b"], kind: "update" },
      { path: ["name"], kind: "add", replaces: true },
      { path: ["gone"], kind: "delete" },
    ],
    deleteBeforeReplace: true,
  }),
  async create(inputs, { signal, preview, timeoutSeconds, name, type, urn: _, ...rest }) {
    if (inputs["hang"] === true) {
      try {
        await sleep(60_000, undefined, { signal });
      } catch {
        throw new Error("was stopped");
      }
    }
    if (inputs["half"] === true) {
      throw new ResourceInitError({ id: "half", outputs: { made: true } }, inputs, ["first", "second"]);
    }
    if (typeof inputs["say"] === "string") {
      throw new Error(JSON.parse(inputs["say"]) as string);
    }
    if (inputs["fail"] === true) {
      throw new Error("it cannot be made");
    }
    return {
      id: "made",
      outputs: {
        inputs,
        preview,
        timeoutSeconds,
        name,
        type,
        configured,
        hidden: secret("x"),
        rest: Object.keys(rest),
      },
    };
  },
  read: (_id, inputs) =>
    Promise.resolve(inputs["gone"] === true ? undefined : { id: "found", outputs: { a: 1 }, inputs }),
  delete: () => Promise.resolve(),
};

await serveProvider({
  name: "probe",
  version: "1.2.3",
  configure(config) {
    if (config["bad"] !== undefined) {
      throw new Error("probe:bad is not a setting");
    }
    configured = config;
  },
  resources: { "probe:index:Probe": probe },
});
