import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { Client } from "minio";
import { kubeconfigFile } from "../../sandbox/cluster.ts";
import { otherProject, ownProject } from "../../sandbox/gitlab-seed.ts";
import { SandboxFolder } from "../../sandbox/sandbox-folder.ts";
import { KubernetesApi } from "../../tools/clients/kubernetes.ts";
import { loadKubeConfig } from "../../tools/clients/kubeconfig.ts";
import type { Finding } from "../../tools/doctor/check.ts";
import { rbac } from "../../tools/doctor/checks/rbac.ts";
import type { DoctorContext } from "../../tools/doctor/context.ts";
import { repository } from "../../tools/repository.ts";
import { ApiServerUnderTest } from "./api-server-under-test.ts";
import { foundInCache, runJobs, type CacheJob } from "./cache-isolation-jobs.ts";
import { account, AskedApiServer, type Question, type Subject } from "./rbac-matrix.ts";
import { runnerCalls } from "./rbac-runner-calls.ts";
import { SandboxUnderTest } from "./sandbox-under-test.ts";
import { assertDocumented } from "./security-page.ts";

/** What the doctor says of a cluster's RBAC. */
function doctorFinds(kubeconfig: string, jobNamespace: string): Promise<Finding> {
  const api = new KubernetesApi(loadKubeConfig({ kubeconfig, context: undefined }));
  return rbac.run({ kubernetes: () => api, jobNamespace } as unknown as DoctorContext);
}

/** Starts a Kubernetes API server without RBAC, with nothing else. */
async function serverWithoutRbac(t: TestContext): Promise<string> {
  const server = new ApiServerUnderTest();
  t.after(() => server.stop());
  await server.start("AlwaysAllow");
  return server.kubeconfig;
}

test("a cluster without RBAC is told from one with it", { timeout: 2 * 60_000 }, async (t) => {
  const { status, found, todo } = await doctorFinds(await serverWithoutRbac(t), "default");
  assert.equal(status, "problem");
  assert.match(found, /^This cluster does not enforce RBAC: even an account that does not exist may do everything/);
  assert.match(todo ?? "", /^microk8s enable rbac$/m);
});

/** What Kubernetes lets every account do: ask about itself. */
const everybody = [
  "create selfsubjectaccessreviews.authorization.k8s.io",
  "create selfsubjectreviews.authentication.k8s.io",
  "create selfsubjectrulesreviews.authorization.k8s.io",
];

interface Role {
  readonly metadata: object;
  readonly rules: readonly { readonly apiGroups: string[]; readonly resources: string[]; readonly verbs: string[] }[];
}

describe("least privilege, in a deployed stack", { timeout: 15 * 60_000 }, () => {
  const sandbox = new SandboxUnderTest();
  // Of the example, whose jobs have a namespace of their own.
  const managers = "gitlab-runner";
  const jobs = "ci-jobs";
  const manager = account(managers, "gitlab-runner");
  const bucket = "platform-ci-cache";
  const rolePath = `/apis/rbac.authorization.k8s.io/v1/namespaces/${jobs}/roles/gitlab-runner`;
  let api: AskedApiServer;
  let questions: readonly Question[] = [];
  let keys: { readonly accesskey: string; readonly secretkey: string };

  before(async () => {
    const { all, exitCode } = await sandbox.command("up", "--stack", join(repository, "examples/Pulumi.group.yaml"));
    assert.equal(exitCode, 0, all);
    api = new AskedApiServer(kubeconfigFile(new SandboxFolder(sandbox.path)));
    questions = await api.questions();
    assertDocumented("questions asked for each of the lines above", String(questions.length));
    const { cacheSecret } = await sandbox.outputs();
    const path = `/api/v1/namespaces/${managers}/secrets/${String(cacheSecret)}`;
    const { data } = await api.get<{ data: { accesskey: string; secretkey: string } }>(path);
    const decode = (value: string) => Buffer.from(value, "base64").toString();
    keys = { accesskey: decode(data.accesskey), secretkey: decode(data.secretkey) };
  });
  after(() => sandbox.remove());
  after(() => {
    api.close();
  });

  describe("by the real authorizer, over every resource and verb", () => {
    /** Whoever is in every group of a ServiceAccount of these namespaces, and in those of people and of nobody. */
    const inEveryGroup: Subject = {
      user: "nobody-in-particular",
      groups: [
        ...["system:serviceaccounts", `system:serviceaccounts:${managers}`, `system:serviceaccounts:${jobs}`],
        ...["system:authenticated", "system:unauthenticated"],
      ],
    };
    const rights = runnerCalls("any").map(({ right }) => right);

    for (const [who, subject, where, expected] of [
      ["the manager, in the jobs' namespace", manager, jobs, [...everybody, ...rights].toSorted()],
      ["the manager, in its own namespace", manager, managers, everybody],
      ["the manager, in another namespace", manager, "default", everybody],
      ["a job, in the jobs' namespace", account(jobs, "gitlab-runner-job"), jobs, everybody],
      ["a job, in the manager's namespace", account(jobs, "gitlab-runner-job"), managers, everybody],
      ["the default account of the jobs' namespace", account(jobs, "default"), jobs, everybody],
      ["the default account of the manager's namespace", account(managers, "default"), jobs, everybody],
      ["everybody else", inEveryGroup, jobs, everybody],
      ["everybody else, in the manager's namespace", inEveryGroup, managers, everybody],
    ] as const) {
      test(`${who}: ${expected.length} of all permissions`, async () => {
        assert.deepEqual(await api.mayDo(subject, where, questions), expected);
        assertDocumented(who, String(expected.length - everybody.length));
      });
    }

    test("a binding too many is found", async () => {
      const name = "too-much";
      const path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
      const made = await api.call("POST", path, {
        metadata: { name },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "system:serviceaccounts" }],
      });
      assert.equal(made.status, 201, made.body);
      const nodes: Question = { verb: "delete", resource: "nodes" };
      await until(async () => api.may(inEveryGroup, jobs, nodes));
      const allowed = await api.mayDo(inEveryGroup, jobs, questions);
      assert.equal(allowed.length, questions.length);
      const { status, found } = await doctorFinds(kubeconfigFile(new SandboxFolder(sandbox.path)), jobs);
      assert.equal(status, "problem");
      const expected =
        'by ClusterRoleBinding "too-much" of ClusterRole "cluster-admin" to Group "system:serviceaccounts".';
      assert.ok(found.endsWith(expected), found);
      assert.equal((await api.call("DELETE", `${path}/${name}`)).status, 200);
      await until(async () => !(await api.may(inEveryGroup, jobs, nodes)));
      assert.equal((await doctorFinds(kubeconfigFile(new SandboxFolder(sandbox.path)), jobs)).status, "ok");
    });
  });

  describe("without any one permission of the manager's", () => {
    let role: Role;
    let token = "";
    let rounds = 0;
    before(async () => {
      role = await api.get<Role>(rolePath);
      const path = `/api/v1/namespaces/${managers}/serviceaccounts/gitlab-runner/token`;
      const { body } = await api.call("POST", path, { spec: { expirationSeconds: 3600 } });
      ({ token } = (JSON.parse(body) as { status: { token: string } }).status);
    });

    /** Runs something without one permission of the Role, `create pods`. */
    async function without<T>(right: string, work: () => Promise<T>): Promise<T> {
      const [verb = "", resource = ""] = right.split(" ");
      const rules = role.rules.flatMap((rule) =>
        rule.resources.map((one) => ({
          ...{ apiGroups: rule.apiGroups, resources: [one] },
          verbs: rule.verbs.filter((other) => !(one === resource && other === verb)),
        })),
      );
      const write = async (changed: readonly object[], isAllowed: boolean) => {
        const { status, body } = await api.call("PATCH", rolePath, { rules: changed });
        assert.equal(status, 200, body);
        await until(async () => (await api.may(manager, jobs, { verb, resource })) === isAllowed);
      };
      await write(
        rules.filter(({ verbs }) => verbs.length > 0),
        false,
      );
      try {
        return await work();
      } finally {
        await write(role.rules, true);
      }
    }

    /** @returns the permissions that the manager lacks for the calls of a job */
    async function refusedCalls(): Promise<string[]> {
      const refused: string[] = [];
      const name = `runner-${++rounds}`;
      for (const { right, method, path, body } of runnerCalls(name)) {
        const answer = await api.call(method, `/api/v1/namespaces/${jobs}/${path}`, body, token);
        if (answer.status === 403) {
          refused.push(right);
        }
      }
      for (const left of ["pods", "services", "secrets"]) {
        await api.call("DELETE", `/api/v1/namespaces/${jobs}/${left}/${name}?gracePeriodSeconds=0`);
      }
      return refused;
    }

    test("with all of them, no call is refused, and no permission has none", async () => {
      assert.deepEqual(await refusedCalls(), []);
      const granted = role.rules.flatMap(({ resources, verbs }) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
      );
      assert.deepEqual(
        granted.toSorted(),
        runnerCalls("any")
          .map(({ right }) => right)
          .toSorted(),
      );
    });

    for (const { right } of runnerCalls("any")) {
      test(`without ${right}, a call that needs it is refused, and no other`, async () => {
        const needing = runnerCalls("any").filter((call) => [call.right, call.alsoNeeds].includes(right));
        assert.deepEqual(
          await without(right, refusedCalls),
          needing.map((call) => call.right),
        );
      });
    }

    for (const right of ["create pods", "get pods", "get pods/exec"]) {
      test(`without ${right}, a job fails`, async () => {
        const [job] = await without(right, () => runJobs(sandbox, [{ projectId: ownProject.id, script: ["true"] }]));
        assert.equal(job?.status, "failed", job?.trace);
        assert.match(job.trace, /Job failed \(system failure\): (.*cannot|unable to upgrade)/);
      });
    }
  });

  describe("the cache's keys, by the real MinIO", () => {
    let client: Client;
    before(async () => {
      client = clientWith(keys.accesskey, keys.secretkey);
      await sandbox.exec("mc", "mb", "--quiet", "minio/another-bucket");
      await sandbox.exec("mc", "cp", "--quiet", join(repository, "LICENSE"), "minio/another-bucket/there");
    });

    test("get, put and list in their bucket", async () => {
      await client.putObject(bucket, "probe", "x");
      await client.statObject(bucket, "probe");
      assert.deepEqual((await client.listObjectsV2(bucket).toArray()).length, 1);
      await assert.rejects(client.statObject(bucket, "missing"), { code: "NotFound" });
    });

    for (const [what, attempt] of [
      ["delete an object", () => client.removeObject(bucket, "probe")],
      ["delete the bucket", () => client.removeBucket(bucket)],
      ["read the bucket's policy", () => client.getBucketPolicy(bucket)],
      ["change the bucket's policy", () => client.setBucketPolicy(bucket, openPolicy)],
      ["read the bucket's lifecycle", () => client.getBucketLifecycle(bucket)],
      ["change the bucket's lifecycle", () => client.removeBucketLifecycle(bucket)],
      ["change the bucket's versioning", () => client.setBucketVersioning(bucket, { Status: "Enabled" })],
      ["create a bucket", () => client.makeBucket("my-own")],
      ["read in another bucket", () => client.getObject("another-bucket", "there")],
      ["write to another bucket", () => client.putObject("another-bucket", "probe", "x")],
      ["list another bucket", () => client.listObjectsV2("another-bucket").toArray()],
    ] as const) {
      test(`may not ${what}`, async () => {
        await assert.rejects(async () => attempt(), { code: "AccessDenied" });
      });
    }

    test("see no other bucket", async () => {
      assert.deepEqual(
        (await client.listBuckets()).map(({ name }) => name),
        [bucket],
      );
    });

    for (const command of [
      ["admin", "info", "own"],
      ["admin", "user", "list", "own"],
      ["admin", "user", "add", "own", "intruder-12345", "intruder-12345"],
      ["admin", "policy", "list", "own"],
      ["admin", "config", "get", "own", "region"],
      ["admin", "user", "svcacct", "add", "own", "KEY"],
    ]) {
      test(`may not mc ${command.join(" ")}`, async () => {
        const args = command.map((word) => (word === "KEY" ? keys.accesskey : word));
        const own = `MC_HOST_own=http://${keys.accesskey}:${keys.secretkey}@${sandbox.minio}`;
        const { all } = await sandbox.command("exec", "--", "env", own, "mc", "--json", ...args);
        assert.match(all, /Access ?Denied/i);
      });
    }
  });

  describe("one job's cache, and another's", () => {
    const [first, second] = [ownProject.id, otherProject.id];
    const key = "deps";

    test("by their names, jobs reach what GitLab and the runner give them, and nothing else", async () => {
      const a = { project: first, isProtected: true, key };
      const open = { ...a, isProtected: false };
      const b = { project: second, isProtected: true, key };
      const cases: readonly (readonly [who: string, what: string, job: Omit<CacheJob, "name">, finds: string])[] = [
        ["a protected branch's job", "anything, at first", a, "nothing"],
        ["an unprotected branch's job", "the cache of the protected branch", open, "nothing"],
        ["a protected branch's job", "what it has left itself", a, "0"],
        ["an unprotected branch's job", "the same by its full name", { ...open, key: `${key}-protected` }, "nothing"],
        ["an unprotected branch's job", "what another unprotected branch's job has left", open, "1"],
        ["another project's job", "a cache of the same key", b, "nothing"],
        ["another project's job", "the same by `../`", { ...b, key: `../${first}/${key}` }, "nothing"],
        [
          "a protected branch's job with `cache:unprotect`",
          "what an unprotected branch's job has left",
          { ...a, unprotect: true },
          "4",
        ],
        ["a protected branch's job", "what it has left itself, untouched by all these", a, "2"],
      ];
      const found = await foundInCache(
        sandbox,
        cases.map(([, , job], index) => ({ ...job, name: String(index) })),
      );
      assert.deepEqual(
        cases.map(([who, what], index) => [who, what, found[index]]),
        cases.map(([who, what, , finds]) => [who, what, finds]),
      );
      for (const [who, what, , finds] of cases.slice(1)) {
        assertDocumented(who, what, finds === "nothing" ? "no" : "yes");
      }
    });

    test("a pre-signed URL, which is all that a job's pod gets, is for one object, one method and a while", async (t) => {
      const manager = clientWith(keys.accesskey, keys.secretkey);
      const [own, others] = [`project/${first}/own`, `project/${second}/others`];
      await manager.putObject(bucket, own, "own");
      await manager.putObject(bucket, others, "others");
      const get = await manager.presignedGetObject(bucket, own, 600);
      const put = await manager.presignedPutObject(bucket, own, 600);
      const status = async (url: string, method: string) => {
        const answer = await fetch(url, { method, ...(method === "PUT" ? { body: "x" } : {}) });
        await answer.arrayBuffer();
        return answer.status;
      };
      const elsewhere = (url: string) => url.replace(own, others);
      const unsigned = (object: string) => `http://${sandbox.minio}/${bucket}/${object}`;
      for (const [what, url, method, expected] of [
        ["read its object with the URL for reading", get, "GET", 200],
        ["overwrite its object with the URL for writing", put, "PUT", 200],
        ["read another project's object, with its own URL for reading", elsewhere(get), "GET", 403],
        ["overwrite another project's object, with its own URL for writing", elsewhere(put), "PUT", 403],
        ["write with the URL for reading", get, "PUT", 403],
        ["delete with the URL for writing", put, "DELETE", 403],
        ["list the bucket", unsigned(""), "GET", 403],
        ["read without a URL of the manager's", unsigned(own), "GET", 403],
        ["make the URL last longer", get.replace("X-Amz-Expires=600", "X-Amz-Expires=6000"), "GET", 403],
      ] as const) {
        assert.equal(await status(url, method), expected, what);
        assertDocumented("a job's script, with its URLs", what, expected === 200 ? "yes" : "no");
      }
      const short = await manager.presignedGetObject(bucket, own, 1);
      await t.waitFor(
        async () => {
          assert.equal(await status(short, "GET"), 403);
        },
        { timeout: 10_000 },
      );
    });

    test("the manager's keys are for all projects: the bucket is the boundary between stacks", async () => {
      const manager = clientWith(keys.accesskey, keys.secretkey);
      await manager.putObject(bucket, `project/${second}/others`, "x");
      await manager.getObject(bucket, `project/${second}/others`);
      assertDocumented("the manager, with its keys", "every project's cache in its bucket", "yes");
      assertDocumented("the manager, with its keys", "any other bucket", "no");
    });
  });

  function clientWith(accessKey: string, secretKey: string): Client {
    const [endPoint = "", port] = sandbox.minio.split(":");
    return new Client({ endPoint, port: Number(port), useSSL: false, accessKey, secretKey, region: "us-east-1" });
  }
});

/** A policy that lets everybody read. */
const openPolicy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Principal: { AWS: ["*"] },
      Action: ["s3:GetObject"],
      Resource: ["arn:aws:s3:::platform-ci-cache/*"],
    },
  ],
});

/** Waits for what the API server's own view of its objects says within moments. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await isSo())) {
    assert.ok(Date.now() < deadline, "it has not come within 10 s");
  }
}
