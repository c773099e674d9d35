import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { cachedTool, cacheFolder } from "../../tools/tool-cache.ts";

describe("the cache of built tools", () => {
  const scratch = mkdtempSync(join(tmpdir(), "tool-cache-test-"));
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

  /** Puts a file there, as old as it is told to be. */
  function put(path: string, minutesOld: number): string {
    const file = join(cacheFolder(), path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "");
    const seconds = Date.now() / 1000 - minutesOld * 60;
    utimesSync(file, seconds, seconds);
    return file;
  }

  test("has no tool before one is built", () => {
    assert.equal(cachedTool("helm"), undefined);
  });

  test("gives the newest of those that are whole", () => {
    put("helm-111111111111/helm", 30);
    const newest = put("pulumi-kubernetes-222222222222/helm", 20);
    put("kubernetes-333333333333/kubectl", 10);
    put("building-helm-x1y2z3/helm", 0);
    assert.equal(cachedTool("helm"), newest);
  });
});
