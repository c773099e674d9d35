import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { chooseFaults, faultCount, type Fault } from "../soak/faults.ts";
import { FaultyProxy } from "../soak/faulty-proxy.ts";
import { choosePoints, describePoint, spread } from "../soak/points.ts";

describe("the points of npm run soak", () => {
  test("have each fault of each server once before any comes again", () => {
    const names = chooseFaults(faultCount + 1).map(({ server, fault }) => `${server}: ${fault.kind}`);
    assert.equal(new Set(names).size, faultCount);
    assert.equal(names.at(-1), names[0]);
  });

  test("are spread over the whole operation, and shifted by the seed", () => {
    for (const seed of [1, 2, 100]) {
      spread(4, seed).forEach((share, index) => {
        assert.ok(share >= index / 4 && share < (index + 1) / 4);
      });
    }
    assert.notDeepEqual(spread(4, 1), spread(4, 2));
    const points = choosePoints({ up: 3, rotation: 1, destroy: 2, faults: 1 }, 1);
    assert.deepEqual(points.map(describePoint), [
      "SIGKILL of all processes, first up",
      "SIGKILL of all processes, rotation",
      "SIGKILL of all processes, destroy",
      "SIGKILL of the engine, first up",
      "SIGKILL of the engine, destroy",
      "SIGKILL of all processes, first up",
      "GitLab: response lost, first up",
    ]);
  });
});

describe("a faulty proxy", () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += String(part)));
    request.on("end", () => {
      seen.push(`${request.method ?? ""} ${body}`);
      response.end(`host ${request.headers.host ?? ""}`);
    });
  });
  let proxy: FaultyProxy;
  const call = (method: string) =>
    fetch(`http://127.0.0.1:${proxy.port}/x`, { method, ...(method === "POST" ? { body: "text" } : {}) }).then(
      async (response) => `${response.status} ${await response.text()}`,
      () => "no answer",
    );
  const expect = (kind: Fault["kind"], parts: Partial<Fault> = {}) =>
    proxy.expect({ kind, calls: 1, seconds: 0, afterWrites: 0, ...parts });

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    proxy = await FaultyProxy.start({ port: (server.address() as AddressInfo).port });
  });
  after(async () => {
    await proxy.stop();
    server.close();
  });

  test("passes calls on as they are: a signature covers the host", async () => {
    seen.length = 0;
    await proxy.expect(undefined);
    assert.equal(await call("POST"), `200 host 127.0.0.1:${proxy.port}`);
    assert.deepEqual([seen, proxy.writes, proxy.met], [["POST text"], 1, 0]);
  });

  test("meets as many calls as it is told to, from a writing one on", async () => {
    await expect("500", { calls: 2, afterWrites: 1 });
    const calls = [];
    for (const method of ["GET", "POST", "GET", "POST", "GET", "POST"]) {
      calls.push((await call(method)).slice(0, 3));
    }
    assert.deepEqual(calls, ["200", "200", "200", "500", "500", "200"]);
  });

  test("loses an answer after the work was done, and cuts off before", async () => {
    seen.length = 0;
    await expect("response lost");
    assert.equal(await call("POST"), "no answer");
    assert.deepEqual(seen, ["POST text"]);
    await expect("connection closed");
    assert.equal(await call("POST"), "no answer");
    assert.deepEqual([seen.length, proxy.met], [1, 1]);
  });

  test("is down and late for a while", async () => {
    await expect("down", { seconds: 0.2 });
    assert.equal(await call("POST"), "no answer");
    assert.equal(await call("GET"), "no answer");
    const start = performance.now();
    await expect("late", { seconds: 0.2 });
    assert.match(await call("POST"), /^200/);
    assert.ok(performance.now() - start > 350);
  });
});
