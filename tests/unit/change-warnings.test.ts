import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { changeWarnings, type Places } from "../../components/change-warnings.ts";

const registration = { paused: false };
const warnings = (before: Places, after: Places) =>
  changeWarnings("gpu", { registration, ...before }, { registration, ...after });
const only = (before: Places, after: Places): string => {
  const [warning = "", ...others] = warnings(before, after);
  assert.deepEqual(others, []);
  return warning;
};

describe("changeWarnings", () => {
  test("are silent where jobs and caches stay", () => {
    const full: Places = { namespace: "ci", jobs: { namespace: "ci-jobs" }, cache: { bucket: "caches" } };
    for (const [before, after] of [
      [{}, {}],
      [full, full],
      [full, { ...full, jobs: { namespace: "ci-jobs", image: "debian" }, cache: { bucket: "caches", quota: "10Gi" } }],
      // What is spelled out is the default.
      [{}, { namespace: "gpu", jobs: { namespace: "gpu" }, cache: { bucket: "gpu-cache" } }],
    ] satisfies [Places, Places][]) {
      assert.deepEqual(warnings(before, after), []);
    }
  });

  test("name the jobs that a change of namespace interrupts, why, and how to let them finish", () => {
    assert.equal(
      only({}, { namespace: "ci" }),
      "Changing namespace interrupts the running jobs in namespace gpu: the namespace is deleted.\n" +
        "  To let them finish, first undo this change, set paused to true and run pulumi up, and wait until no job pods are left:\n" +
        "    kubectl --namespace gpu get pods",
    );
    assert.match(
      only({ jobs: { namespace: "jobs" } }, { namespace: "ci", jobs: { namespace: "jobs" } }),
      /^Changing namespace interrupts the running jobs in namespace jobs: their manager is deleted\./,
    );
    assert.match(
      only({}, { jobs: { namespace: "jobs" } }),
      /^Changing jobs\.namespace interrupts the running jobs in namespace gpu: the manager loses its permissions there\./,
    );
    assert.match(
      only({ jobs: { namespace: "jobs" } }, {}),
      /^Changing jobs\.namespace interrupts .* in namespace jobs: the namespace is deleted\.[^]*--namespace jobs get pods$/,
    );
    assert.match(
      only({}, { namespace: "ci", jobs: { namespace: "jobs" } }),
      /^Changing namespace and jobs\.namespace /,
    );
  });

  test("say how to pause a runner that the stack does not make, and nothing of it where it is paused", () => {
    const elsewhere = changeWarnings("gpu", {}, { namespace: "ci" });
    assert.match(elsewhere.join("\n"), /undo this change, pause the runner in GitLab, and wait/);
    const paused = changeWarnings("gpu", { registration: { paused: true } }, { namespace: "ci", registration });
    assert.match(paused.join("\n"), /The runner is paused\. Before you continue, wait until/);
    assert.doesNotMatch(paused.join("\n"), /undo/);
  });

  const credentials = { accessKey: "key", secretKey: "secret" };
  for (const [what, cache] of Object.entries<Places["cache"]>({
    "another name": { bucket: "other" },
    "no cache": false,
    "credentials of another store": { bucket: "gpu-cache", credentials },
    "another existing bucket": { bucket: "other", adopt: true },
  })) {
    test(`name the bucket that goes with ${what}, and how to keep or empty it`, () => {
      assert.equal(
        only({}, { cache }),
        "Bucket gpu-cache will be deleted: if it has objects, MinIO refuses, and the update fails after everything else was changed.\n" +
          "  Running jobs can no longer store their caches.\n" +
          "  To keep the bucket, first undo this change, set cache.adopt to true and run pulumi up: Pulumi then leaves it alone.\n" +
          "  To delete it with all caches in it, first empty it: mc rm --recursive --force ALIAS/gpu-cache",
      );
    });
  }

  test("say that a bucket goes with its caches where the stack may delete them", () => {
    const warning = only({ cache: { deleteWithStack: true } }, { cache: false });
    assert.match(warning, /^Bucket gpu-cache will be deleted, with all caches in it\.\n/);
    assert.doesNotMatch(warning, /refuses|mc rm/);
  });

  test("are silent of a bucket that others keep, or will keep", () => {
    for (const [before, after] of [
      [{ cache: false }, {}],
      [{ cache: { adopt: true } }, { cache: false }],
      [{ cache: { bucket: "theirs", credentials } }, { cache: { bucket: "mine" } }],
      [{}, { cache: { adopt: true } }],
    ] satisfies [Places, Places][]) {
      assert.deepEqual(warnings(before, after), []);
    }
  });
});
