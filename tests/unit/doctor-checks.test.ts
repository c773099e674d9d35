import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { V1Pod, V1ResourceRule } from "@kubernetes/client-node";
import { allChecks } from "../../tools/doctor/all-checks.ts";
import { helmRelease } from "../../tools/doctor/checks/helm-release.ts";
import { surplusRights } from "../../tools/doctor/checks/job-rights.ts";
import { listRights, rightsOf } from "../../tools/doctor/checks/manager-rights.ts";
import { leftBehind } from "../../tools/doctor/checks/orphaned-objects.ts";
import { overdue } from "../../tools/doctor/checks/orphaned-pods.ts";
import { rbac } from "../../tools/doctor/checks/rbac.ts";
import { runnerOnline } from "../../tools/doctor/checks/runner-online.ts";
import { compareProjects } from "../../tools/doctor/checks/runner-projects.ts";
import { settingDifferences } from "../../tools/doctor/checks/runner-settings.ts";
import { portForward } from "../../tools/doctor/checks/store-answers.ts";
import { tokenExpiry } from "../../tools/doctor/checks/token-expiry.ts";
import type { DoctorContext } from "../../tools/doctor/context.ts";
import type { ExpectedRunner } from "../../tools/doctor/expected-stack.ts";
import type { GitLabRunner, GitLabRunnerManager } from "../../tools/clients/gitlab.ts";
import { podTrouble, recentCrash } from "../../tools/doctor/pod-trouble.ts";
import { model } from "../../tools/kubernetes-model.ts";
import { repository } from "../../tools/repository.ts";

const now = new Date("2026-11-24T12:00:00Z");
const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000);

/** A context that has what a check looks at, and nothing else. */
function context(parts: object): DoctorContext {
  return { now: () => now, stack: "x", ...parts } as unknown as DoctorContext;
}

test("every check has its own id, and comes after those that it needs", () => {
  const seen = new Set<string>();
  for (const { id, needs = [] } of allChecks) {
    assert.ok(!seen.has(id), id);
    assert.ok(
      needs.every((need) => seen.has(need)),
      `${id} stands before what it needs`,
    );
    seen.add(id);
  }
});

test("every check is explained in docs/doctor.md, in the order in which the doctor prints them", () => {
  const page = readFileSync(join(repository, "docs/doctor.md"), "utf8");
  const [, table = ""] = page.split("## Checks\n");
  const explained = [...table.matchAll(/^\| `([a-z-]+)`/gm)].map(([, id]) => id);
  assert.deepEqual(
    explained,
    allChecks.map(({ id }) => id),
  );
});

describe("release", () => {
  const look = (status: string, revision: number, lastDeployed?: number) =>
    helmRelease.run(
      context({
        kubernetes: () => ({
          helmRelease: () => Promise.resolve({ status, revision, lastDeployed, chartVersion: "0.86.0" }),
        }),
        outputs: { namespace: "ci", release: { name: "gitlab-runner", chart: "" } },
      }),
    );

  test("goes back to the revision before where Helm was cut off, and takes a first one away", async () => {
    assert.deepEqual(await look("deployed", 3, 3), { status: "ok", found: "gitlab-runner, revision 3, chart 0.86.0" });
    const upgrade = await look("pending-upgrade", 3, 2);
    assert.match(upgrade.todo ?? "", /\nhelm rollback gitlab-runner 2 --namespace ci\npulumi up --refresh --stack x$/);
    const installation = await look("pending-install", 1);
    assert.match(installation.todo ?? "", /\nhelm uninstall gitlab-runner --namespace ci\npulumi up --refresh/);
    assert.equal((await look("failed", 1)).todo, "pulumi up --refresh --stack x");
  });
});

describe("runner-online", () => {
  const manager = (minutes: number, status = "online"): GitLabRunnerManager => ({
    system_id: `r_${minutes}`,
    version: "18.9.0",
    contacted_at: minutesAgo(minutes).toISOString(),
    status,
  });
  const pod = (minutes: number): V1Pod =>
    model<V1Pod>({ status: { startTime: minutesAgo(minutes), conditions: [{ type: "Ready", status: "True" }] } });
  const look = (managers: GitLabRunnerManager[], pods: V1Pod[] | Error) =>
    runnerOnline.run(
      context({
        gitlab: { managers: () => Promise.resolve(managers) },
        runnerId: () => Promise.resolve(1),
        managerPods: () => (pods instanceof Error ? Promise.reject(pods) : Promise.resolve(pods)),
        outputs: { namespace: "ci", release: { name: "gitlab-runner", chart: "" } },
      }),
    );

  test("takes GitLab's word, since an idle manager is silent for up to an hour", async () => {
    const { status, found } = await look([manager(59)], [pod(600)]);
    assert.equal(status, "ok");
    assert.equal(found, "last contact at 2026-11-24T11:01:00Z, 59 minutes ago, version 18.9.0");
  });

  test("does not count a manager from before the current pod", async () => {
    const { status, found } = await look([manager(59)], [pod(30)]);
    assert.equal(status, "problem");
    assert.equal(
      found,
      "No manager has contacted GitLab since the manager pod started at 2026-11-24T11:30:00Z, 30 minutes ago; " +
        "the last contact of the previous one was at 2026-11-24T11:01:00Z, 59 minutes ago.",
    );
  });

  test("gives a new pod two minutes, and does without the cluster", async () => {
    assert.equal((await look([manager(59)], [pod(1)])).status, "ok");
    assert.equal((await look([manager(59)], new Error("no cluster"))).status, "ok");
    assert.equal((await look([], [pod(1)])).status, "warning");
    assert.equal((await look([], [pod(3)])).status, "problem");
    assert.equal((await look([], new Error("no cluster"))).status, "problem");
  });

  test("counts the managers", async () => {
    const { status, found } = await look([manager(1), manager(500, "offline")], [pod(600), pod(600)]);
    assert.equal(status, "warning");
    assert.equal(found, "2 manager pods are ready, but only 1 contacted GitLab.");
  });
});

test("token-expiry warns a week before the end, and fails two days before it", async () => {
  const at = (hours: number | undefined) =>
    tokenExpiry.run(
      context({
        expected: { runner: {} },
        verification: () =>
          Promise.resolve({
            valid: true,
            runnerId: 1,
            expiresAt: hours === undefined ? undefined : new Date(now.getTime() + hours * 3_600_000),
          }),
      }),
    );
  const statuses = await Promise.all(
    [undefined, 8 * 24, 6 * 24, 3 * 24, 47, -1].map(async (hours) => (await at(hours)).status),
  );
  assert.deepEqual(statuses, ["ok", "ok", "warning", "warning", "problem", "problem"]);
});

describe("runner-settings", () => {
  const wanted: ExpectedRunner = {
    runnerType: "project_type",
    projectId: 1,
    tagLists: ["a"],
    untagged: false,
    locked: false,
    paused: false,
    accessLevel: "not_protected",
  };
  const found: GitLabRunner = {
    id: 5,
    description: "anything",
    runner_type: "project_type",
    status: "online",
    paused: false,
    contacted_at: null,
    tag_list: ["a"],
    run_untagged: false,
    locked: false,
    maximum_timeout: 900,
    access_level: "not_protected",
    maintenance_note: null,
    projects: [
      { id: 2, path_with_namespace: "group/second" },
      { id: 1, path_with_namespace: "group/first" },
    ],
    groups: [],
  };

  test("are as configured where nothing else is; what is not configured may be anything", () => {
    assert.deepEqual(settingDifferences(found, wanted), []);
  });

  test("name each that differs, and tell what matters from what does not", () => {
    const other = { ...wanted, projectId: 3, accessLevel: "ref_protected", maximumTimeout: 600, description: "mine" };
    assert.deepEqual(settingDifferences(found, other), [
      { key: "projectId", is: "2", wanted: "3", cosmetic: false },
      { key: "protectedOnly", is: "false", wanted: "true", cosmetic: false },
      { key: "maximumTimeout", is: "900", wanted: "600", cosmetic: false },
      { key: "description", is: '"anything"', wanted: '"mine"', cosmetic: true },
    ]);
  });
});

test("compareProjects knows a project by id and by path, whatever its case", () => {
  const found = [
    { id: 1, path_with_namespace: "group/owner" },
    { id: 2, path_with_namespace: "group/Website" },
    { id: 3, path_with_namespace: "group/forgotten" },
  ];
  assert.deepEqual(compareProjects(found, ["2", "Group/website", "group/missing", "4"], 1), {
    missing: ["group/missing", "4"],
    surplus: [found[2]],
  });
});

describe("rights", () => {
  test("are asked one by one, and listed by resource", () => {
    const rights = rightsOf([{ apiGroups: [""], resources: ["pods", "pods/log"], verbs: ["get", "list"] }]);
    assert.equal(rights.length, 4);
    assert.deepEqual(rights[2], { group: "", resource: "pods/log", verb: "get" });
    assert.equal(listRights(rights), "get or list pods, get or list pods/log");
  });

  test("of a job are surplus but for those of every account, the worst first", () => {
    const rule = (apiGroup: string, resources: string[], verb: string) =>
      model<V1ResourceRule>({ apiGroups: [apiGroup], resources, verbs: [verb] });
    const rights = surplusRights([
      rule("authorization.k8s.io", ["selfsubjectaccessreviews"], "create"),
      rule("authentication.k8s.io", ["selfsubjectreviews"], "create"),
      rule("example.com", ["things"], "get"),
      rule("", ["configmaps", "secrets"], "get"),
      rule("", ["secrets"], "get"),
    ]);
    assert.deepEqual(rights, ["get secrets", "get configmaps", "get things"]);
    assert.deepEqual(surplusRights([model<V1ResourceRule>({ verbs: ["get"] })]), []);
  });
});

describe("rbac", () => {
  const look = (whyAccountMay: () => Promise<string | undefined>) =>
    rbac.run(context({ kubernetes: () => ({ whyAccountMay }), jobNamespace: "ci" }));
  const forbidden = Object.assign(new Error("forbidden"), { code: 403 });

  test("is on where an account that does not exist may not do everything, or you may not ask", async () => {
    assert.equal((await look(() => Promise.resolve(undefined))).status, "ok");
    assert.equal((await look(() => Promise.reject(forbidden))).status, "ok");
    await assert.rejects(
      look(() => Promise.reject(new Error("down"))),
      /down/,
    );
  });

  test("is off where it may, unless RBAC itself says why", async () => {
    const off = await look(() => Promise.resolve(""));
    assert.equal(off.status, "problem");
    assert.match(off.found, /^This cluster does not enforce RBAC: /);
    assert.match(off.todo ?? "", /^microk8s enable rbac$/m);
    const why = 'ClusterRoleBinding "all" of ClusterRole "cluster-admin" to Group "system:serviceaccounts"';
    const bound = await look(() => Promise.resolve(`RBAC: allowed by ${why}`));
    assert.equal(bound.status, "problem");
    assert.ok(bound.found.endsWith(`by ${why}.`), bound.found);
    assert.doesNotMatch(bound.todo ?? "", /microk8s/);
  });

  test("comes before the rights of single accounts, which mean nothing without it", () => {
    const needing = allChecks.filter(({ needs = [] }) => needs.includes("rbac")).map(({ id }) => id);
    assert.deepEqual(needing, ["manager-rights", "job-rights"]);
  });
});

describe("what was left behind", () => {
  const pod = model<V1Pod>({
    metadata: { labels: { "job.runner.gitlab.com/pod": "runner-a-project-1-concurrent-0" } },
  });

  test("has no pod of its job", () => {
    const named = (kind: string, name: string) => ({ kind, metadata: { name } });
    const service = (job: string) => ({
      ...named("Service", "postgres-x1"),
      spec: { selector: { "job.runner.gitlab.com/pod": job } },
    });
    const orphans = [named("Secret", "runner-a-project-1-concurrent-1-x1"), service("runner-b-project-1-concurrent-0")];
    const others = [
      named("Secret", "runner-a-project-1-concurrent-0-x1"),
      service("runner-a-project-1-concurrent-0"),
      named("Secret", "gitlab-runner-token"),
      named("ConfigMap", "kube-root-ca.crt"),
    ];
    assert.deepEqual(leftBehind([...others, ...orphans], [pod]), orphans);
  });

  test("is past its timeout, or an hour where it names none", () => {
    const aged = (minutes: number, timeout?: string) =>
      overdue(
        model<V1Pod>({
          metadata: {
            creationTimestamp: minutesAgo(minutes),
            annotations: timeout === undefined ? {} : { "job.runner.gitlab.com/timeout": timeout },
          },
        }),
        now,
      ) / 60_000;
    assert.deepEqual([aged(70, "1h0m0s"), aged(50, "1h0m0s"), aged(70), aged(70, "2h0m0s")], [10, -10, 10, -50]);
  });
});

describe("podTrouble", () => {
  const withContainer = (state: object, lastState: object = {}, restartCount = 0) =>
    ({
      metadata: { name: "p" },
      status: {
        phase: "Running",
        containerStatuses: [{ name: "c", image: "example.com/i:1", ready: false, restartCount, state, lastState }],
      },
    }) as unknown as V1Pod;
  const told = (pod: V1Pod) => {
    const { reason, log, todo } = podTrouble(pod);
    return { reason, log, todo: todo("ci") };
  };

  test("names an image that cannot be pulled", () => {
    const waiting = { reason: "ImagePullBackOff", message: 'Back-off pulling image "example.com/i:1"' };
    assert.deepEqual(told(withContainer({ waiting })), {
      reason: 'c: ImagePullBackOff: Back-off pulling image "example.com/i:1"',
      log: undefined,
      todo: "Check that the image example.com/i:1 exists and that the node can pull it:\nkubectl --namespace ci describe pod p",
    });
  });

  test("asks for more memory where that ran out", () => {
    const ended = { terminated: { exitCode: 137, reason: "OOMKilled" } };
    assert.deepEqual(told(withContainer({ waiting: { reason: "CrashLoopBackOff" } }, ended, 4)), {
      reason: "c: CrashLoopBackOff: it ended with exit code 137 (OOMKilled)",
      log: { container: "c", previous: true },
      todo: "pulumi config set --path manager.resources.limits.memory 512Mi",
    });
  });

  test("shows the log of what runs and is not ready", () => {
    assert.deepEqual(told(withContainer({ running: {} })), {
      reason: "c: it runs, but is not ready yet",
      log: { container: "c", previous: false },
      todo: "kubectl --namespace ci logs p --container c",
    });
  });

  test("says what is known of a pod in which nothing has started", () => {
    const pod = model<V1Pod>({ metadata: { name: "p" }, status: { phase: "Pending" } });
    assert.deepEqual(told(pod), {
      reason: "it is Pending",
      log: undefined,
      todo: "kubectl --namespace ci describe pod p",
    });
  });

  test("remembers a pod that is ready now and has crashed within the hour", () => {
    const crashing = (minutes: number, count: number) =>
      recentCrash(
        withContainer(
          { running: {} },
          { terminated: { exitCode: 1, reason: "Error", finishedAt: minutesAgo(minutes) } },
          count,
        ),
        now,
      );
    assert.equal(
      crashing(5, 3),
      "Pod p: c has restarted 3 times; it last ended at 2026-11-24T11:55:00Z, 5 minutes ago, with exit code 1 (Error).",
    );
    assert.equal(crashing(90, 3), undefined);
    assert.equal(crashing(5, 1), undefined);
  });
});

test("portForward knows a Service of the cluster by its address", () => {
  assert.equal(
    portForward("minio.storage.svc.cluster.local:9000"),
    "Forward its port, and keep this running:\n" +
      "kubectl --namespace storage port-forward service/minio 9000:9000\n" +
      "Then: npm run doctor -- --store localhost:9000 …",
  );
  assert.match(portForward("minio.storage.svc") ?? "", /service\/minio 80:80/);
  assert.equal(portForward("s3.example.com:443"), undefined);
});
