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
import { builtTools, type Tools } from "../../tools/pinned-tools.ts";
import { installPlugins, ownTools } from "../../sandbox/pulumi-home.ts";
import { SandboxFolder } from "../../sandbox/sandbox-folder.ts";

describe("installPlugins", { timeout: 20_000 }, () => {
  const environment = { ...process.env };
  let scratch: string;
  let folder: SandboxFolder;
  let tools: Tools;

  beforeEach(() => {
    scratch = realpathSync(mkdtempSync(join(tmpdir(), "gitlab-runner-test-")));
    folder = new SandboxFolder(join(scratch, "sandbox"));
    tools = {
      ...builtTools(),
      pulumi: program("pulumi-cli", "pulumi"),
      "pulumi-resource-kubernetes": program("built", "pulumi-resource-kubernetes"),
    };
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

  test("has its own for each plugin that the machine lacks, of the version that the program asks for", () => {
    assert.deepEqual(installPlugins(folder, tools), {
      nodejs: "stand-in",
      kubernetes: "built",
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
    assert.equal(installed("resource-kubernetes-v4.32.0"), tools["pulumi-resource-kubernetes"]);
    for (const version of versions.filter((name) => !name.includes("kubernetes"))) {
      const script = /'([^']+\.ts)'/.exec(readFileSync(installed(version), "utf8"))?.[1] ?? "";
      assert.ok(existsSync(script), `${version} runs ${script}`);
    }
  });

  test("takes a real one from PATH", () => {
    const real = program("path", "pulumi-resource-random");
    process.env["PATH"] = [join(scratch, "nowhere"), join(scratch, "path")].join(delimiter);
    assert.equal(installPlugins(folder, tools)["random"], real);
    assert.equal(installed("resource-random-v4.21.0"), real);
  });

  test("takes a real one from Pulumi's plugin cache, with the files beside it", () => {
    const real = program("home", "plugins", "resource-minio-v0.17.1", "pulumi-resource-minio");
    program("home", "plugins", "resource-minio-v0.17.1", "PulumiPlugin.yaml");
    program("home", "plugins", "resource-kubernetes-v3.30.0", "pulumi-resource-kubernetes");
    const plugins = installPlugins(folder, tools);
    assert.equal(plugins["minio"], real);
    assert.equal(plugins["kubernetes"], "built", "an older major version is none that fits");
    assert.deepEqual(readdirSync(folder.file("pulumi", "plugins", "resource-minio-v0.17.1")).toSorted(), [
      "PulumiPlugin.yaml",
      "pulumi-resource-minio",
    ]);
  });

  test("builds nothing that the machine has", () => {
    assert.deepEqual(ownTools(), {});
    const provider = program("home", "plugins", "resource-kubernetes-v4.33.0", "pulumi-resource-kubernetes");
    const pulumi = program("path", "pulumi");
    assert.deepEqual(ownTools(), { pulumi, "pulumi-resource-kubernetes": provider });
  });

  test("takes the language host of an installed Pulumi", () => {
    const real = program("pulumi-cli", "pulumi-language-nodejs");
    assert.equal(installPlugins(folder, tools)["nodejs"], real);
  });
});
