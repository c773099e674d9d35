import { GrpcLanguageHost } from "./language/language-host.ts";
import { createPluginServer, runPlugin } from "./plugin-process.ts";

// The engine's address is the last argument, after flags such as --root.
const host = new GrpcLanguageHost(process.argv.at(-1) ?? "");
const server = createPluginServer();
host.addTo(server);
await runPlugin(server, () => {
  host.stop();
});
