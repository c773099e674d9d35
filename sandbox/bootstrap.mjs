// Runs a command with the project's own Node.js and packages, and installs these first where need be.
// The one file that an older Node.js must understand.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const stamp = join(modules, ".installed");

if (Number(process.versions.node.split(".")[0]) < 18) {
  fail(`Node.js ${process.versions.node} is too old: install 18 or newer, from https://nodejs.org`);
}

const hash = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== hash) {
  // To stderr, as stdout belongs to the command.
  console.error("Installing the project's packages (npm ci).");
  const install = spawnSync("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"], {
    cwd: root,
    stdio: ["inherit", process.stderr, "inherit"],
  });
  if (install.status !== 0) {
    fail("npm ci failed; its message is above. It needs the npm registry.");
  }
  writeFileSync(stamp, hash);
}

const [command, ...args] = process.argv.slice(2);
const run = spawnSync(command, args, {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PATH: [join(modules, ".bin"), process.env.PATH].join(delimiter) },
});
if (run.error) {
  fail(`${command}: ${run.error.message}`);
}
process.exit(run.status ?? 1);

function fail(message) {
  console.error(message);
  process.exit(1);
}
