import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { installPlugins } from "../../sandbox/pulumi-home.ts";
import { SandboxFolder } from "../../sandbox/state.ts";

describe("installPlugins", { timeout: 20_000 }, () => {
  const environment = { ...process.env };
  let scratch: string;
  let folder: SandboxFolder;
  let pulumi: string;

  beforeEach(() => {
    scratch = realpathSync(mkdtempSync(join(tmpdir(), "gitlab-runner-test-")));
    folder = new SandboxFolder(join(scratch, "sandbox"));
    pulumi = program("pulumi-cli", "pulumi");
    process.env["PULUMI_HOME"] = join(scratch, "home");
    process.env["PATH"] = join(scratch, "path");
  });
  afterEach(() => {
    process.env = { ...environment };
    rmSync(scratch, { recursive: true, force: true });
  });

  function program(...parts: string[]): string {
    const path = join(scratch, ...parts);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, "#!/bin/sh\n");
    chmodSync(path, 0o755);
    return path;
  }

  function installed(name: string): string {
    return realpathSync(folder.file("pulumi", "plugins", name, `pulumi-${name.replace(/-v.*/, "")}`));
  }

  test("has a stand-in for each plugin that the machine lacks, of the version that the program asks for", () => {
    assert.deepEqual(installPlugins(folder, pulumi), {
      nodejs: "stand-in",
      kubernetes: "stand-in",
      minio: "stand-in",
      random: "stand-in",
      gitlab: "stand-in",
    });
    const versions = readdirSync(folder.file("pulumi", "plugins")).toSorted();
    assert.deepEqual(versions, [
      "language-nodejs-v3.259.0",
      "resource-gitlab-v10.1.1",
      "resource-kubernetes-v4.32.0",
      "resource-minio-v0.17.1",
      "resource-random-v4.21.0",
    ]);
    for (const version of versions) {
      const script = /'([^']+\.ts)'/.exec(readFileSync(installed(version), "utf8"))?.[1] ?? "";
      assert.ok(existsSync(script), `${version} runs ${script}`);
    }
  });

  test("takes a real one from PATH", () => {
    const real = program("path", "pulumi-resource-random");
    process.env["PATH"] = [join(scratch, "nowhere"), join(scratch, "path")].join(delimiter);
    assert.equal(installPlugins(folder, pulumi)["random"], real);
    assert.equal(installed("resource-random-v4.21.0"), real);
  });

  test("takes a real one from Pulumi's plugin cache, with the files beside it", () => {
    const real = program("home", "plugins", "resource-minio-v0.17.1", "pulumi-resource-minio");
    program("home", "plugins", "resource-minio-v0.17.1", "PulumiPlugin.yaml");
    program("home", "plugins", "resource-kubernetes-v3.30.0", "pulumi-resource-kubernetes");
    const plugins = installPlugins(folder, pulumi);
    assert.equal(plugins["minio"], real);
    assert.equal(plugins["kubernetes"], "stand-in", "an older major version is none that fits");
    assert.deepEqual(readdirSync(folder.file("pulumi", "plugins", "resource-minio-v0.17.1")).toSorted(), [
      "PulumiPlugin.yaml",
      "pulumi-resource-minio",
    ]);
  });

  test("takes the language host of an installed Pulumi", () => {
    const real = program("pulumi-cli", "pulumi-language-nodejs");
    assert.equal(installPlugins(folder, pulumi)["nodejs"], real);
  });
});
