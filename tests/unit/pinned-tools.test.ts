import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { builtTool, builtTools } from "../../tools/pinned-tools.ts";
import { cacheFolder } from "../../tools/tool-cache.ts";

describe("a built tool", () => {
  const scratch = mkdtempSync(join(tmpdir(), "pinned-tools-test-"));
  const usual = process.env["XDG_CACHE_HOME"];
  before(() => {
    process.env["XDG_CACHE_HOME"] = scratch;
  });
  after(() => {
    if (usual === undefined) {
      delete process.env["XDG_CACHE_HOME"];
    } else {
      process.env["XDG_CACHE_HOME"] = usual;
    }
    rmSync(scratch, { recursive: true, force: true });
  });

  function put(path: string): void {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "");
  }

  test("is the pinned build, never a build of another version or an unfinished one", () => {
    const pinned = builtTools().helm;
    put(join(cacheFolder(), "pulumi-kubernetes-111111111111", "helm"));
    put(join(cacheFolder(), "building-helm-x1y2z3", "helm"));
    assert.equal(builtTool("helm"), undefined);
    put(pinned);
    put(join(cacheFolder(), "pulumi-kubernetes-222222222222", "helm"));
    assert.equal(builtTool("helm"), pinned);
    assert.match(pinned, /[/\\]pulumi-kubernetes-[0-9a-f]{12}[/\\]helm$/);
  });
});
