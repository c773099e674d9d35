import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Snapshot } from "../../tools/status/snapshot.ts";
import type { Watched } from "../../tools/status/sources.ts";
import { askOnce, Watcher } from "../../tools/status/watcher.ts";
import { made, watched } from "./status-fixtures.ts";

const times = { interval: 5, stackInterval: 60_000 };

/** A watcher, and all that it tells until it is stopped. */
function watch(watcher: Watcher) {
  const told: Snapshot[] = [];
  const stop = watcher.subscribe((snapshot) => told.push(snapshot));
  /** Waits for a snapshot that fits, and returns it. */
  const shows = async (fits: (snapshot: Snapshot) => boolean): Promise<Snapshot> => {
    for (;;) {
      const found = told.at(-1);
      if (found !== undefined && fits(found)) {
        return found;
      }
      await sleep(5);
    }
  };
  return { told, stop, shows };
}

function watcherOf(stack: Watched): Watcher {
  return new Watcher(() => Promise.reject(new Error("not asked for")), times, stack);
}

describe("watching", { timeout: 20_000 }, () => {
  test("once gives all answers, and the reasons of those that have none", async () => {
    const answers = await askOnce(
      watched({
        cluster: () => Promise.reject(new Error("no such cluster")),
        cache: () => {
          throw new Error("no such cache");
        },
      }),
    );
    assert.deepEqual(answers.gitlab, { data: { runner: null, jobs: [] } });
    assert.deepEqual(answers.cluster, { error: "no such cluster" });
    assert.deepEqual(answers.cache, { error: "no such cache" });
    assert.equal(answers.stack.data?.name, "homelab");
  });

  test("tells at once, and then only what has changed", async () => {
    let pods = [made.managerPod()];
    const { told, stop, shows } = watch(watcherOf(watched({ cluster: () => Promise.resolve({ pods, events: [] }) })));
    assert.deepEqual(told, [{ stack: { data: watched().stack }, gitlab: {}, cluster: {}, cache: {} }]);
    await shows(({ gitlab, cluster, cache }) => [gitlab, cluster, cache].every(({ data }) => data !== undefined));
    const count = told.length;
    await sleep(100);
    assert.equal(told.length, count, "nothing changes, nothing is told");
    pods = [made.managerPod({ name: "new" })];
    await shows(({ cluster }) => cluster.data?.pods[0]?.name === "new");
    assert.equal(told.length, count + 1);
    stop();
  });

  test("asks nobody unless somebody looks", async () => {
    let asked = 0;
    const count = () => asked;
    const watcher = watcherOf(
      watched({
        cache: () => {
          asked++;
          return Promise.resolve(null);
        },
      }),
    );
    await sleep(50);
    assert.equal(count(), 0);
    const stop = [watcher.subscribe(() => undefined), watcher.subscribe(() => undefined)];
    await sleep(100);
    assert.ok(count() > 1);
    stop[0]?.();
    const before = count();
    await sleep(100);
    assert.ok(count() > before, "one still looks");
    stop[1]?.();
    await sleep(20);
    const after = count();
    await sleep(100);
    assert.equal(count(), after);
  });

  test("a source that fails or hangs keeps what it told before, and disturbs no other", async () => {
    const refused = new Error("fetch failed", { cause: new Error("connect ECONNREFUSED 127.0.0.1:9000") });
    const cache = { bucket: "cache", count: 0, bytes: 0, objects: [], isCut: false };
    let isDown = false;
    const { stop, shows } = watch(
      watcherOf(
        watched({
          cache: () => (isDown ? Promise.reject(refused) : Promise.resolve(cache)),
          cluster: () => new Promise(() => undefined),
        }),
      ),
    );
    await shows((snapshot) => snapshot.cache.data !== undefined);
    isDown = true;
    const down = await shows((snapshot) => snapshot.cache.error !== undefined);
    assert.deepEqual(down.cache, { data: cache, error: "connect ECONNREFUSED 127.0.0.1:9000" });
    assert.deepEqual(down.cluster, {}, "it has not answered");
    assert.ok(down.gitlab.data);
    isDown = false;
    const up = await shows((snapshot) => snapshot.cache.error === undefined);
    assert.deepEqual(up.cache, { data: cache });
    stop();
  });

  test("says why the stack cannot be read, tries again, and then asks the others", async () => {
    let isThere = false;
    const read = () => (isThere ? Promise.resolve(watched()) : Promise.reject(new Error("no stack named 'homelab'")));
    const { stop, shows } = watch(new Watcher(read, times));
    const failed = await shows(({ stack }) => stack.error !== undefined);
    assert.deepEqual(failed, { stack: { error: "no stack named 'homelab'" }, gitlab: {}, cluster: {}, cache: {} });
    isThere = true;
    const found = await shows(({ cluster }) => cluster.data !== undefined);
    assert.deepEqual(found.stack, { data: watched().stack });
    stop();
  });

  test("asks about what the stack has become, and goes on with what it was when it cannot be read", async () => {
    const next = watched(
      { gitlab: () => Promise.resolve({ runner: made.runner({ id: 43 }), jobs: [] }) },
      { name: "new" },
    );
    const reads = [() => Promise.reject(new Error("no stack named 'homelab' found")), () => Promise.resolve(next)];
    const watcher = new Watcher(
      () => reads.shift()?.() ?? Promise.resolve(next),
      { interval: 10, stackInterval: 50 },
      watched({ gitlab: () => Promise.resolve({ runner: made.runner(), jobs: [] }) }),
    );
    const { stop, shows } = watch(watcher);
    const failed = await shows(({ stack }) => stack.error !== undefined);
    assert.equal(failed.stack.error, "no stack named 'homelab' found");
    assert.equal(failed.stack.data?.name, "homelab");
    assert.equal(failed.gitlab.data?.runner?.id, 42);
    const renewed = await shows(({ stack, gitlab }) => stack.data?.name === "new" && gitlab.data?.runner?.id === 43);
    assert.equal(renewed.stack.error, undefined);
    stop();
  });
});
