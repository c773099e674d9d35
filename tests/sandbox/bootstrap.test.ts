import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { execa } from "execa";
import { repository } from "../../tools/repository.ts";

/** Stands in for npm: leaves what npm leaves at the end, which does not have packages for other systems. */
const fakeNpm = `#!/bin/sh
echo "npm $*" >&2
mkdir -p node_modules && grep -v other-system package-lock.json > node_modules/.package-lock.json
`;
const install = "npm ci --no-fund --no-audit --loglevel=error";

describe("bootstrap.mjs", { timeout: 60_000 }, () => {
  let folder: string;
  let checkout: string;
  const lockFile = (version: string) => {
    const packages = [
      '"": { "name": "project" }',
      '"node_modules/other-system": { "version": "1.0.0", "optional": true }',
      '"node_modules/own": { "resolved": "own", "link": true }',
      `"node_modules/used": { "version": "${version}" }`,
    ];
    writeFileSync(join(checkout, "package-lock.json"), `{ "packages": {\n${packages.join(",\n")}\n} }\n`);
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bootstrap-test-"));
    checkout = join(folder, "checkout");
    mkdirSync(join(checkout, "sandbox"), { recursive: true });
    mkdirSync(join(folder, "bin"));
    copyFileSync(join(repository, "sandbox", "bootstrap.mjs"), join(checkout, "sandbox", "bootstrap.mjs"));
    writeFileSync(join(folder, "bin", "npm"), fakeNpm, { mode: 0o755 });
    lockFile("1.0.0");
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs `echo ran` as the scripts of package.json run their commands. */
  const run = () =>
    execa(process.execPath, [join(checkout, "sandbox", "bootstrap.mjs"), "echo", "ran"], {
      env: { PATH: [join(folder, "bin"), process.env["PATH"]].join(delimiter) },
      reject: false,
    });

  test("installs what the lock file names, once, and again when that changes", async () => {
    const first = await run();
    assert.deepEqual([first.exitCode, first.stdout], [0, "ran"]);
    assert.match(first.stderr, new RegExp(install));
    const second = await run();
    assert.deepEqual([second.exitCode, second.stdout, second.stderr], [0, "ran", ""]);
    lockFile("1.0.1");
    assert.match((await run()).stderr, new RegExp(install));
  });

  test("does not install through a link, which would empty another checkout's packages", async () => {
    await run();
    renameSync(join(checkout, "node_modules"), join(folder, "elsewhere"));
    symlinkSync(join(folder, "elsewhere"), join(checkout, "node_modules"));
    assert.equal((await run()).exitCode, 0, "what is installed may be a link");
    lockFile("1.0.1");
    const { exitCode, stdout, stderr } = await run();
    assert.deepEqual([exitCode, stdout], [1, ""]);
    assert.match(stderr, /is a link: npm ci would delete the contents of .*elsewhere\.\n.*\n {2}rm .*node_modules$/);
    assert.ok(existsSync(join(folder, "elsewhere", ".package-lock.json")));
  });

  test("says what went wrong when npm fails", async () => {
    writeFileSync(join(folder, "bin", "npm"), "#!/bin/sh\necho no network >&2\nexit 1\n");
    const { exitCode, stderr } = await run();
    assert.equal(exitCode, 1);
    assert.match(stderr, /no network\nnpm ci failed; its message is above\. It needs the npm registry\.$/);
  });
});
