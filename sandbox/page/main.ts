import { parseArgs } from "node:util";
import { startPage } from "./server.ts";

const { values } = parseArgs({ options: { dir: { type: "string" }, port: { type: "string" } } });
const { dir } = values;
if (dir === undefined) {
  throw new Error("--dir DIR is missing: the folder of the sandbox to show");
}
const port = Number(values.port ?? 0);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  throw new Error(`--port ${String(values.port)} is no port`);
}

const page = await startPage({
  port,
  // Loaded when first somebody looks, since the clients of Kubernetes and MinIO are large, and the sandbox is starting.
  open: async () => (await import("./sources.ts")).openSources(dir),
});
console.log(`listening on ${page.url}`);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void page.stop().then(() => process.exit(0));
  });
}
