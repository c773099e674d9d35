import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { otherProject, ownProject } from "../../../sandbox/gitlab-seed.ts";
import { CredentialsWatch } from "../credentials-watch.ts";
import { PollingWatch } from "../polling-watch.ts";
import { requiredProgram } from "../required-program.ts";
import { SandboxUnderTest } from "../sandbox-under-test.ts";
import { followGuide } from "./follow-guide.ts";
import { readGuide } from "./guide.ts";
import { Reader } from "./reader.ts";
import { setUpByScripts } from "./scripted-runner.ts";

const guide = "docs/migrate-from-scripts.md";
const cacheBucket = "gitlab-runner-cache";

const job = `
hello:
  tags: [kubernetes]
  cache: { key: hello, paths: [visits.txt] }
  script:
    - echo "visited by job $CI_JOB_ID" >> visits.txt
    - cat visits.txt
`;

describe("a runner that scripts have set up", { timeout: 15 * 60_000 }, () => {
  const sandbox = new SandboxUnderTest();
  let reader: Reader;

  before(async () => {
    await requiredProgram("jq");
    reader = await Reader.create(sandbox, true);
    await setUpByScripts(reader, sandbox);
  });
  after(async () => {
    reader.close();
    await sandbox.remove();
  });

  test("the guide takes it over: a manager polls at every moment, and the cache stays", async (t) => {
    const first = await reader.job(job, { namespace: "gitlab-runner", release: "gitlab-runner" });
    assert.ok(first.succeeded, first.trace);
    let watches: { polling: PollingWatch; credentials: CredentialsWatch } | undefined;
    t.after(() => Promise.all([watches?.polling.end(), watches?.credentials.end()]));

    await followGuide(reader, sandbox, guide, {
      then: {
        // The last command before the first that changes something.
        "--secret minio:minioPassword": async () => {
          watches = {
            polling: new PollingWatch(sandbox),
            credentials: await CredentialsWatch.start(sandbox, cacheBucket),
          };
        },
        "pulumi preview | grep": (printed) => {
          assert.equal(rows(printed).length, rows(differenceIn(guide)).length, `it differs in more: ${printed}`);
          return Promise.resolve();
        },
        "get pods --selector": async () => {
          const second = await reader.job(job);
          assert.ok(second.succeeded, second.trace);
          assert.equal(second.trace.match(/^visited by job \d+$/gm)?.length, 2, second.trace);
        },
      },
    });

    // While something might still end.
    await sleep(1_000);
    assert.ok(watches);
    const [polling, credentials] = await Promise.all([watches.polling.end(), watches.credentials.end()]);
    for (const [name, { looks, longestGap }] of Object.entries({ polling, credentials })) {
      t.diagnostic(`${name}: ${looks} looks, at most ${Math.round(longestGap)} ms apart`);
    }
    assert.deepEqual(polling.gaps, []);
    assert.deepEqual(credentials.violations, []);
    assert.equal(polling.pods.length, 2, "the old manager and the new one");
    const third = await reader.job(job);
    assert.equal(third.trace.match(/^visited by job \d+$/gm)?.length, 3, third.trace);
  });

  test("nothing of the scripts is left, and nothing is there twice", async () => {
    const runners = await sandbox.gitlab.Runners.all({ projectId: ownProject.id });
    assert.deepEqual(
      runners.map(({ description }) => description),
      ["k8s-homelab-runner"],
    );
    const [runner] = runners;
    const { projects } = await sandbox.gitlab.Runners.show(runner?.id ?? 0);
    assert.deepEqual(projects.map(({ id }) => id).toSorted(), [ownProject.id, otherProject.id]);
    const { items } = await sandbox.kubectl("--namespace", "gitlab-runner", "get", "secrets");
    assert.deepEqual(items.map(({ metadata }) => metadata.name.replace(/-[0-9a-f]{8}$/, "")).toSorted(), [
      ...["gitlab-runner-credentials-cache", "gitlab-runner-credentials-token"],
      ...["sh.helm.release.v1.gitlab-runner.v1", "sh.helm.release.v1.gitlab-runner.v2"],
    ]);
    const accounts = await sandbox.kubectl<{ items: { metadata: { labels?: unknown; annotations?: unknown } }[] }>(
      ...["--namespace", "gitlab-runner", "get", "serviceaccounts,roles,rolebindings"],
    );
    for (const { metadata } of accounts.items) {
      assert.doesNotMatch(JSON.stringify(metadata), /helm/i);
    }
    const users = (await sandbox.exec("mc", "admin", "user", "list", "minio")).trim().split("\n");
    assert.equal(users.length, 1, "the stack's own");
  });

  test("the stack goes as any other, and leaves the bucket", async () => {
    await reader.run("pulumi destroy --skip-preview");
    assert.match(await reader.run("mc ls --recursive minio/gitlab-runner-cache"), /project\/75488734\/hello/);
    assert.deepEqual(await sandbox.gitlab.Runners.all({ projectId: ownProject.id }), []);
  });
});

/** The lines of a difference. */
function rows(text: string): string[] {
  return text.split("\n").filter((line) => /^ [-+~]/.test(line));
}

/** The difference that the guide shows. */
function differenceIn(path: string): string {
  return readGuide(path).steps.find(({ commands }) => commands.includes("pulumi preview | grep"))?.prints ?? "";
}
