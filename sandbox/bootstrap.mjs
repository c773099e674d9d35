// Runs a command with the project's own Node.js and packages, and installs these first where need be.
// The one file that an older Node.js must understand.
import { spawnSync } from "node:child_process";
import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");

if (Number(process.versions.node.split(".")[0]) < 18) {
  fail(`Node.js ${process.versions.node} is too old: install 18 or newer, from https://nodejs.org`);
}

if (!isInstalled()) {
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) {
    fail(
      `The project's packages are not those of package-lock.json, and ${modules} is a link: npm ci would delete the contents ` +
        `of ${readlinkSync(modules)}.\nRemove the link, then run this again:\n  rm ${modules}`,
    );
  }
  // To stderr, as stdout belongs to the command.
  console.error("Installing the project's packages (npm ci).");
  const install = spawnSync("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"], {
    cwd: root,
    stdio: ["inherit", process.stderr, "inherit"],
  });
  if (install.status !== 0) {
    fail("npm ci failed; its message is above. It needs the npm registry.");
  }
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

/** npm ends an installation with a list of what it has installed, in the format of package-lock.json. */
function isInstalled() {
  try {
    const found = packagesIn("node_modules/.package-lock.json");
    return Object.entries(packagesIn("package-lock.json"))
      .filter(([path, { optional }]) => path !== "" && !optional)
      .every(([path, { version }]) => path in found && found[path].version === version);
  } catch {
    return false;
  }
}

/** @param {string} path */
function packagesIn(path) {
  /** @type {unknown} */
  const lock = JSON.parse(readFileSync(join(root, path), "utf8"));
  return /** @type {{ packages: Record<string, { version?: string, optional?: boolean }> }} */ (lock).packages;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
