import { parseArgs } from "node:util";
import { startPage } from "../../tools/status/web/server.ts";
import { Watcher } from "../../tools/status/watcher.ts";
import { Masker } from "../../tools/doctor/masker.ts";
import { sandboxEnvironment } from "../environment.ts";
import { SandboxFolder } from "../sandbox-folder.ts";
import type { SandboxStack } from "./sandbox-stack.ts";

const { values } = parseArgs({ options: { dir: { type: "string" }, port: { type: "string" } } });
const { dir } = values;
if (dir === undefined) {
  throw new Error("--dir DIR is missing: the folder of the sandbox to show");
}
const port = Number(values.port ?? 0);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  throw new Error(`--port ${String(values.port)} is not a port`);
}
const folder = new SandboxFolder(dir);
const state = folder.read();
if (state === undefined) {
  throw new Error(`there is no sandbox in ${dir}`);
}

Object.assign(process.env, sandboxEnvironment(folder, state));
const masker = new Masker();
const { minioUser: _user, ...secrets } = state.secrets;
masker.add(...Object.values(secrets));

let stack: SandboxStack | undefined;
const read = async () => {
  // Imported on the first request: the clients of Kubernetes and MinIO are large, and the sandbox is still starting.
  const { SandboxStack } = await import("./sandbox-stack.ts");
  stack ??= new SandboxStack(folder, state, masker);
  return stack.read();
};

const page = await startPage({
  port,
  text: {
    title: "Runner sandbox",
    subtitle: "What the stack has created in GitLab, Kubernetes and MinIO, on this machine",
    start: "npm run sandbox",
    footer:
      "Real: Pulumi’s engine, the Kubernetes API and its controllers, MinIO, Helm. " +
      "Simulated: the node and its pods. Emulated: GitLab.",
  },
  watcher: new Watcher(read, { interval: 1_000, stackInterval: 1_000 }),
  masker,
});
console.log(`listening on ${page.url}`);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void page.stop().then(() => process.exit(0));
  });
}
