import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import getPort from "get-port";
import { gitlabUrl, sandboxEnvironment } from "../../sandbox/environment.ts";
import { EmulatorControl } from "../../sandbox/gitlab/control.ts";
import { otherProject, ownProject } from "../../sandbox/gitlab-seed.ts";
import { SandboxFolder } from "../../sandbox/sandbox-folder.ts";
import { allChecks } from "../../tools/doctor/all-checks.ts";
import type { CheckResult, Status } from "../../tools/doctor/check.ts";
import { repository } from "../../tools/repository.ts";
import { orphanedJobPod } from "./orphaned-job-pod.ts";
import { SandboxUnderTest } from "./sandbox-under-test.ts";

const sandbox = new SandboxUnderTest();
const scratch = mkdtempSync(join(tmpdir(), "gitlab-runner-test-"));
const namespace = "gitlab-runner";
let tokenSecret = "";
let cacheSecret = "";
const bucket = "gitlab-runner-cache";
const restore = "pulumi up --refresh --stack sandbox";
const restoreObjects = `PULUMI_K8S_ENABLE_PATCH_FORCE=true ${restore}`;
const rotate = 'pulumi config set rotation "$(date +%F)" --stack sandbox\npulumi up --stack sandbox';

/** What a check is expected to say; the rest of the checks are to be ok. */
interface Expected {
  readonly status: Status;
  readonly found: string | RegExp;
  readonly todo?: string | RegExp;
}

/** The sandbox's cluster has no Linkerd. */
const always: Record<string, Expected> = {
  "linkerd-proxy": {
    status: "skipped",
    found:
      "This cluster has no Linkerd (no webhook linkerd-proxy-injector-webhook-config), so the annotations have no effect.",
    todo: "Install it, https://linkerd.io/2/getting-started/, or: pulumi config set linkerd false",
  },
};

interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
}

/** Runs a command as `npm run sandbox -- exec` would. */
async function run(
  [command = "", ...args]: readonly string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Promise<Run> {
  const { stdout, stderr, exitCode } = await execa(command, args, {
    cwd: repository,
    env: { ...sandboxEnvironment(new SandboxFolder(sandbox.path), sandbox.state), ...options.env },
    extendEnv: false,
    reject: false,
    timeout: 5 * 60_000,
    ...(options.input === undefined ? { stdin: "ignore" } : { input: options.input }),
  });
  return { stdout, stderr, exitCode };
}

/** Runs a command that must succeed. */
async function must(command: readonly string[], input?: string): Promise<string> {
  const { stdout, stderr, exitCode } = await run(command, input === undefined ? {} : { input });
  assert.equal(exitCode, 0, `${command.join(" ")}\n${stdout}\n${stderr}`);
  return stdout;
}

const kubectl = (...args: string[]) => must(["kubectl", "--namespace", namespace, ...args]);
const apply = (...objects: object[]) =>
  must(
    ["kubectl", "--namespace", namespace, "apply", "--filename", "-"],
    objects.map((object) => JSON.stringify(object)).join("\n---\n"),
  );

/** Runs a command as the doctor prints it, for someone who says yes. */
async function follow(todo: string): Promise<void> {
  const { stdout, stderr, exitCode } = await run(["sh", "-ec", todo], { env: { PULUMI_SKIP_CONFIRMATIONS: "true" } });
  assert.equal(exitCode, 0, `${todo}\n${stdout}\n${stderr}`);
  await readNames();
}

/** What the Secrets are called now; they get other names with other content. */
async function readNames(): Promise<void> {
  ({ tokenSecret, cacheSecret } = (await sandbox.outputs()) as { tokenSecret: string; cacheSecret: string });
}

const secrets = new Set<string>();

/** Runs the doctor, and sees to it that no secret is in what it prints. */
async function doctor(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Run> {
  const result = await run([process.execPath, "tools/doctor.ts", ...args], { env });
  // As they are now: tests change them.
  const held = await kubectl("get", "secret", tokenSecret, cacheSecret, "--output", "json");
  for (const { data } of (JSON.parse(held) as { items: { data: Record<string, string> }[] }).items) {
    Object.values(data).forEach((value) => secrets.add(Buffer.from(value, "base64").toString()));
  }
  const { gitlabToken = "", minioPassword = "", kubernetesToken = "", passphrase = "" } = sandbox.state.secrets;
  for (const secret of [...secrets, gitlabToken, minioPassword, kubernetesToken, passphrase].filter(Boolean)) {
    for (const form of [secret, Buffer.from(secret).toString("base64")]) {
      assert.ok(!`${result.stdout}${result.stderr}`.includes(form), "a secret is printed");
    }
  }
  return result;
}

/** Runs the doctor for programs; its findings but for those that are ok must be these, word for word. */
async function expectFindings(
  expected: Readonly<Record<string, Expected>>,
  { args = [], env = {} }: { args?: readonly string[]; env?: Record<string, string> } = {},
): Promise<void> {
  const { stdout, stderr, exitCode } = await doctor(["--stack", "sandbox", "--json", "--grace", "0", ...args], env);
  assert.equal(stderr, "");
  const report = JSON.parse(stdout) as { stack: string; ok: boolean; checks: CheckResult[] };
  const all = { ...always, ...expected };
  const found = report.checks.filter(({ status }) => status !== "ok");
  assert.deepEqual(
    Object.fromEntries(found.map((check) => [check.id, pick(check, all[check.id])])),
    Object.fromEntries(Object.entries(all).map(([id, check]) => [id, { ...check, todo: check.todo ?? null }] as const)),
  );
  const healthy = Object.values(all).every(({ status }) => status !== "problem");
  assert.equal(report.ok, healthy);
  assert.equal(report.stack, "sandbox");
  assert.equal(exitCode, healthy ? 0 : 1);
}

/** What a check says, with the expression that it fits in place of what changes from run to run. */
function pick({ status, found, todo }: CheckResult, expected: Expected | undefined) {
  const fit = (text: string | null, wanted: string | RegExp | undefined) =>
    wanted instanceof RegExp && text !== null && wanted.test(text) ? wanted : text;
  return { status, found: fit(found, expected?.found), todo: fit(todo, expected?.todo) };
}

function skippedFor(title: string): Expected {
  return { status: "skipped", found: `It needs: ${title}.` };
}

const control = () => new EmulatorControl(gitlabUrl(sandbox.state), sandbox.state.secrets["emulatorToken"] ?? "");

async function runnerId(): Promise<number> {
  return Number(JSON.parse(await must(["pulumi", "stack", "output", "--json", "runnerId"])));
}

async function runJob(): Promise<void> {
  const { exitCode, all } = await sandbox.command("job");
  assert.equal(exitCode, 0, all);
}

/** Data of a Secret, decoded. */
async function secretData(name: string): Promise<Record<string, string>> {
  const { data } = JSON.parse(await kubectl("get", "secret", name, "--output", "json")) as {
    data: Record<string, string>;
  };
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
}

async function accessKey(): Promise<string> {
  return (await secretData(cacheSecret))["accesskey"] ?? "";
}

/** Gives the runner a token that lives so many seconds, and hands it to the manager. */
async function resetToken(seconds: number): Promise<void> {
  await control().changeSettings({ runnerTokenExpirationInterval: seconds });
  const response = await fetch(
    `${gitlabUrl(sandbox.state)}/api/v4/runners/${await runnerId()}/reset_authentication_token`,
    {
      method: "POST",
      headers: { "private-token": sandbox.state.secrets["gitlabToken"] ?? "" },
    },
  );
  const { token } = (await response.json()) as { token: string };
  await patchSecret(tokenSecret, { "runner-token": token });
}

async function patchSecret(name: string, stringData: Record<string, string>): Promise<void> {
  await kubectl("patch", "secret", name, "--patch", JSON.stringify({ stringData }));
}

describe("npm run doctor, on a deployed stack", { timeout: 20 * 60_000 }, () => {
  before(async () => {
    const homelab = readFileSync(join(repository, "Pulumi.homelab.yaml"), "utf8");
    const stack = join(scratch, "Pulumi.doctor.yaml");
    writeFileSync(stack, `${homelab}  gitlab-runner:extraProjects: [${otherProject.id}]\n`);
    const { all, exitCode } = await sandbox.command("up", "--stack", stack);
    assert.equal(exitCode, 0, all);
    await readNames();
  });
  after(async () => {
    await sandbox.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  test("gives a manager pod that has just started time to poll", async () => {
    await expectFindings({
      "runner-online": {
        status: "warning",
        found: /^No manager has contacted GitLab yet; the manager pod started at \S+Z, \d+ seconds? ago\.$/,
        todo:
          "Check the manager's log, and whether its pod can reach gitlabUrl:\n" +
          "kubectl --namespace gitlab-runner logs --selector app=gitlab-runner --container gitlab-runner --tail 20",
      },
    });
    await runJob();
  });

  test("finds a healthy stack healthy, one line for each check", async () => {
    await expectFindings({});
    const { stdout, exitCode } = await doctor(["--stack", "sandbox"]);
    assert.equal(exitCode, 0, stdout);
    const lines = stdout.split("\n");
    assert.equal(lines.filter((line) => /^[✔⚠✖–] /.test(line)).length, allChecks.length);
    assert.match(stdout, /^✔ GitLab knows the runner \(#1, k8s-homelab-runner, project_type\)$/m);
    assert.match(stdout, /^✔ The runner is online \(last contact at \S+Z, \d+ (seconds?|minutes?) ago, version .+\)$/m);
    assert.match(stdout, /^✔ The extra projects may use the runner \(1 of 1\)$/m);
    assert.equal(lines.at(-1), `Stack sandbox: ${allChecks.length - 1} ok, 1 skipped.`);
    assert.doesNotMatch(stdout, /\u001b/, "no colours, since it is not a terminal");
  });

  test("names what was changed in GitLab, and its command fixes it", async () => {
    const id = await runnerId();
    const api = sandbox.gitlab;
    await control().addProject({ id: 75488736, path: "homelab/forgotten" });
    await api.Runners.enable(75488736, id);
    await api.Runners.disable(otherProject.id, id);
    await api.Runners.edit(id, { paused: true, tagList: ["kubernetes", "fast"], runUntagged: true });
    const double = await api.Users.createCIRunner("project_type", {
      projectId: ownProject.id,
      description: "k8s-homelab-runner",
      tagList: ["kubernetes"],
    });
    await expectFindings({
      "runner-paused": {
        status: "problem",
        found: "It is paused in GitLab, so it takes no jobs.",
        todo: restore,
      },
      "runner-tags": {
        status: "problem",
        found:
          'In GitLab it lacks "homelab": jobs with that tag wait forever.\n' +
          'In GitLab it also has "fast", which is not in the configuration.',
        todo: restore,
      },
      "runner-settings": {
        status: "problem",
        found: "runUntagged: true in GitLab, false in the configuration",
        todo: restore,
      },
      "runner-projects": {
        status: "problem",
        found:
          "It is not enabled for 75488735, or your access token cannot see that.\n" +
          "It is enabled for homelab/forgotten (75488736), which is not in the configuration.",
        todo:
          `${restore}\nAdd them to extraProjects, or remove the runner from them in GitLab: ` +
          "until then, GitLab refuses to delete the runner.",
      },
      "orphaned-runners": {
        status: "warning",
        found: `#${double.id} has the same description and owner as this stack's #${id}.`,
        todo:
          "Unless another stack created it, delete it:\n" +
          `curl --request DELETE --header "PRIVATE-TOKEN: $GITLAB_TOKEN" ${gitlabUrl(sandbox.state)}/api/v4/runners/${double.id}`,
      },
    });
    await follow(restore);
    await follow(
      `curl --fail --silent --request DELETE --header "PRIVATE-TOKEN: $GITLAB_TOKEN" ${gitlabUrl(sandbox.state)}/api/v4/runners/${double.id}`,
    );
    await api.Runners.disable(75488736, id);
  });

  test("names what was changed in Kubernetes, and its commands fix it", async () => {
    await kubectl(
      "patch",
      "role",
      "gitlab-runner",
      "--type",
      "json",
      "--patch",
      JSON.stringify([
        { op: "replace", path: "/rules/1/verbs", value: ["get"] },
        { op: "remove", path: "/rules/2" },
      ]),
    );
    await kubectl(
      "create",
      "rolebinding",
      "too-much",
      "--clusterrole=view",
      "--serviceaccount=gitlab-runner:gitlab-runner-job",
    );
    await kubectl("annotate", "namespace", namespace, "linkerd.io/inject-");
    await patchSecret(tokenSecret, { "runner-token": "glrt-t3_of-another-runner-12" });
    const metadata = (name: string) => ({ name });
    await apply(
      orphanedJobPod,
      // One of a job with a pod, and two of jobs without.
      { apiVersion: "v1", kind: "Secret", metadata: metadata("runner-abc-project-1-concurrent-0-x2") },
      { apiVersion: "v1", kind: "Secret", metadata: metadata("runner-def-project-1-concurrent-1-x3") },
      { apiVersion: "v1", kind: "ConfigMap", metadata: metadata("runner-def-project-1-concurrent-1-x4") },
    );
    await sleep(1_500);
    const removeObjects =
      "kubectl --namespace gitlab-runner delete secret/runner-def-project-1-concurrent-1-x3 " +
      "configmap/runner-def-project-1-concurrent-1-x4";
    const removePod = "kubectl --namespace gitlab-runner delete pod runner-abc-project-1-concurrent-0-x1";
    await expectFindings({
      token: {
        status: "problem",
        found:
          "GitLab does not know the token: it was reset, has expired, or its runner was deleted. " +
          `(The Secret ${tokenSecret} in namespace gitlab-runner)`,
        todo:
          `If only the Secret was changed: ${restoreObjects}\n` +
          `Otherwise replace the runner and its token:\n${rotate}`,
      },
      "token-expiry": skippedFor("GitLab accepts the runner's token in the Secret"),
      "manager-rights": {
        status: "problem",
        found: "In namespace gitlab-runner, gitlab-runner may not create pods/attach, create pods/exec, get pods/log.",
        todo: restoreObjects,
      },
      "job-rights": {
        status: "problem",
        found: /^In namespace gitlab-runner, every CI job may get configmaps, .*get pods, .* and \d+ more\.$/,
        todo:
          "Find the bindings of gitlab-runner-job or one of its groups, and remove them:\n" +
          "kubectl get rolebindings,clusterrolebindings --all-namespaces --output wide",
      },
      linkerd: {
        status: "problem",
        found:
          'The namespace gitlab-runner lacks the annotation linkerd.io/inject: "enabled"; ' +
          "it has a label of that name, which has no effect.",
        todo: restoreObjects,
      },
      "linkerd-proxy": skippedFor("Linkerd's annotations are in place"),
      "orphaned-pods": {
        status: "warning",
        found: /^Pod runner-abc-project-1-concurrent-0-x1 is \d+ (seconds?|minutes?) past its job's timeout\.$/,
        todo: removePod,
      },
      "orphaned-objects": {
        status: "warning",
        found:
          "These belong to jobs whose pod no longer exists: secret/runner-def-project-1-concurrent-1-x3, " +
          "configmap/runner-def-project-1-concurrent-1-x4.",
        todo: removeObjects,
      },
    });
    await follow([restoreObjects, removeObjects, removePod].join("\n"));
    await kubectl("delete", "secret/runner-abc-project-1-concurrent-0-x2", "rolebinding/too-much");
  });

  test("names a runner that is silent, and a token that ends soon", async () => {
    await resetToken(5 * 24 * 3600);
    await control().setLastContact(await runnerId(), 3 * 3600);
    await expectFindings({
      "runner-online": {
        status: "problem",
        found: /^GitLab shows it as offline: its last contact was at \S+Z, 3 hours ago\.$/,
        todo: /^Check the manager's log/,
      },
      "token-expiry": { status: "warning", found: /^It expires at \S+Z, in 4 days\.$/, todo: rotate },
    });
    await resetToken(24 * 3600);
    await control().setLastContact(await runnerId(), 60);
    await expectFindings({
      "token-expiry": { status: "problem", found: /^It expires at \S+Z, in (23|24) hours\.$/, todo: rotate },
    });
  });

  test("names an expired token, and keys that can do too much; new ones fix both", async () => {
    await resetToken(1);
    await control().changeSettings({ runnerTokenExpirationInterval: null });
    const key = await accessKey();
    await must(["mc", "admin", "policy", "attach", "minio", "readwrite", "--user", key]);
    await must(["mc", "mb", "minio/of-another"]);
    await sleep(1_000);
    await expectFindings({
      token: { status: "problem", found: /^GitLab does not know the token: /, todo: /./ },
      "token-expiry": skippedFor("GitLab accepts the runner's token in the Secret"),
      "cache-scope": {
        status: "problem",
        found:
          "They can also access other buckets: of-another.\n" +
          "They can delete objects: they deleted the doctor's own object, doctor-probe-gitlab-runner.",
        todo: `Their user was given more than the stack's policy. Replace it with one that has only that policy:\n${rotate}`,
      },
    });
    await follow(rotate);
    await runJob();
  });

  test("names a bucket that is gone, and a policy that was taken away; one command fixes both", async () => {
    await must(["mc", "rb", "--force", `minio/${bucket}`]);
    await expectFindings({
      "cache-bucket": {
        status: "problem",
        found: `There is no bucket ${bucket} at http://${sandbox.minio}: jobs run, but each with an empty cache.`,
        todo: restore,
      },
      "cache-rights": skippedFor("The cache's bucket exists"),
      "cache-scope": skippedFor("The cache's bucket exists"),
    });
    const policies = await must(["mc", "admin", "policy", "list", "minio"]);
    const policy = /^gitlab-runner-cache-policy\S*/m.exec(policies)?.[0] ?? "";
    await must(["mc", "admin", "policy", "detach", "minio", policy, "--user", await accessKey()]);
    await expectFindings({
      "cache-bucket": {
        status: "skipped",
        found: "The keys are not allowed to list it (AccessDenied), so this cannot be checked.",
      },
      "cache-rights": {
        status: "problem",
        found:
          `They are not allowed to put in ${bucket} (AccessDenied): no job can save its cache.\n` +
          `They are not allowed to get in ${bucket} (AccessDenied): no job can restore its cache.\n` +
          `They are not allowed to list in ${bucket} (AccessDenied): a cache that does not exist yet is an error for the job, not a miss.`,
        todo: restore,
      },
    });
    await follow(restore);
  });

  test("names wrong cache keys, a chart that is not the configured one, and a newer one", async () => {
    const { secretkey = "" } = await secretData(cacheSecret);
    await patchSecret(cacheSecret, { secretkey: "not-the-secret-key-not-the-secret-key-00" });
    await must(["pulumi", "config", "set", "--path", "chart.version", "0.85.0"]);
    const index = join(sandbox.path, "charts", "index.yaml");
    const original = readFileSync(index, "utf8");
    writeFileSync(index, original.replaceAll("version: 0.86.0", "version: 0.87.1"));
    const { repository: charts } = JSON.parse(await must(["pulumi", "config", "get", "chart"])) as {
      repository: string;
    };
    await expectFindings({
      configuration: {
        status: "warning",
        found:
          "It has changed since the last pulumi up:\n" +
          "chart.version: gitlab-runner-0.86.0 is deployed, but gitlab-runner-0.85.0 is configured",
        todo: "pulumi up --stack sandbox",
      },
      "cache-key": {
        status: "problem",
        found:
          "It responds with SignatureDoesNotMatch: the keys do not belong to a user of the store, or no longer do. " +
          `(The Secret ${cacheSecret} in namespace gitlab-runner)`,
        todo: `If only the Secret was changed: ${restoreObjects}\nOtherwise create new ones:\n${rotate}`,
      },
      "cache-bucket": skippedFor("The object store accepts the cache's keys in the Secret"),
      "cache-rights": skippedFor("The object store accepts the cache's keys in the Secret"),
      "cache-scope": skippedFor("The object store accepts the cache's keys in the Secret"),
      chart: {
        status: "problem",
        found: "Chart 0.86.0 is deployed, but chart.version is 0.85.0.",
        todo: restore,
      },
      "chart-newest": {
        status: "warning",
        found: `Chart 0.86.0 is deployed; 0.87.1 is the newest in ${charts}.`,
        todo:
          "Read the changes, https://gitlab.com/gitlab-org/charts/gitlab-runner/-/releases, then:\n" +
          "pulumi config set --path chart.version 0.87.1 --stack sandbox\npulumi up --stack sandbox",
      },
    });
    writeFileSync(index, original);
    await must(["pulumi", "config", "rm", "--path", "chart.version"]);
    await patchSecret(cacheSecret, { secretkey });
  });

  test("names servers that do not answer, and skips what needs them", async () => {
    const nobody = `127.0.0.1:${await getPort({ host: "127.0.0.1" })}`;
    const kubeconfig = join(scratch, "nobody.yaml");
    const own = readFileSync(join(sandbox.path, "kubernetes", "kubeconfig"), "utf8");
    writeFileSync(kubeconfig, own.replace(/server: .*/, `server: https://${nobody}`));
    await must(["pulumi", "config", "set", "gitlab:baseUrl", `http://${nobody}/api/v4/`]);
    const noGitLab = skippedFor("GitLab answers");
    const noKubernetes = skippedFor("Kubernetes answers");
    await expectFindings(
      {
        gitlab: {
          status: "problem",
          found: `http://${nobody}/api/v4: connect ECONNREFUSED ${nobody}`,
          todo: "Check the address: pulumi config get gitlab:baseUrl    (or GITLAB_BASE_URL; if neither is set, gitlabUrl)",
        },
        kubernetes: {
          status: "problem",
          found: `https://${nobody} (context sandbox): connect ECONNREFUSED ${nobody}`,
          todo: "pulumi config set kubernetes:context NAME    (kubectl config get-contexts lists them)",
        },
        "object-store": {
          status: "problem",
          found: `http://${nobody} (from --store): connect ECONNREFUSED ${nobody}`,
          todo: "Check the address: --store HOST:PORT",
        },
        ...Object.fromEntries(
          ["gitlab-token", "runner", "runner-online", "runner-paused", "runner-tags", "runner-settings"]
            .concat("runner-projects", "token", "token-expiry", "orphaned-runners")
            .map((id) => [id, noGitLab]),
        ),
        ...Object.fromEntries(
          [
            "namespaces",
            "release",
            "release-objects",
            "pods",
            "rbac",
            "manager-rights",
            "job-rights",
            "linkerd",
            "linkerd-proxy",
          ]
            .concat("chart", "chart-newest", "orphaned-pods", "orphaned-objects")
            .map((id) => [id, noKubernetes]),
        ),
        ...Object.fromEntries(
          ["cache-key", "cache-bucket", "cache-rights", "cache-scope"].map((id) => [
            id,
            skippedFor("The object store answers"),
          ]),
        ),
      },
      { args: ["--store", nobody], env: { KUBECONFIG: kubeconfig } },
    );
    await must(["pulumi", "config", "set", "gitlab:baseUrl", `${gitlabUrl(sandbox.state)}/api/v4/`]);
  });

  test("shows the last lines of the log of a manager that crashes", async () => {
    const kubelet = await startKubelet("FATAL: cannot reach GitLab\n");
    try {
      await apply(simulatedNode("crashing", (kubelet.address() as AddressInfo).port), crashingPod("crashing"));
      await kubectl("patch", "pod", "crashing", "--subresource", "status", "--patch", JSON.stringify(crashed));
      await expectFindings({
        pods: {
          status: "problem",
          found:
            "Pod crashing: gitlab-runner: CrashLoopBackOff: back-off 40s: it ended with exit code 1 (Error)\n" +
            "The log of gitlab-runner ends with:\n  FATAL: cannot reach GitLab",
          todo: "kubectl --namespace gitlab-runner logs crashing --container gitlab-runner --previous",
        },
      });
    } finally {
      kubelet.close();
      await kubectl("delete", "pod", "crashing", "--force", "--grace-period", "0");
      await kubectl("delete", "node", "crashing");
    }
  });

  test("says why a manager pod cannot start, and that the Deployment is scaled down or gone", async () => {
    await kubectl("cordon", "polycephala");
    await kubectl("delete", "pod", "--selector", "app=gitlab-runner");
    await expectFindings({
      pods: {
        status: "problem",
        found: /^Pod gitlab-runner-\S+: no node accepts it: 0\/1 nodes are available: 1 node\(s\) were unschedulable\./,
        todo:
          "Compare manager.nodeSelector, tolerations and resources with the nodes:\n" +
          "kubectl get nodes --show-labels    (and: kubectl describe nodes)",
      },
    });
    await kubectl("uncordon", "polycephala");
    await kubectl("scale", "deployment", "gitlab-runner", "--replicas", "0");
    const scale = "kubectl --namespace gitlab-runner scale deployment gitlab-runner --replicas 1";
    const remove = [{ op: "remove", path: "/spec/template/metadata/annotations/linkerd.io~1inject" }];
    await kubectl("patch", "deployment", "gitlab-runner", "--type", "json", "--patch", JSON.stringify(remove));
    await expectFindings({
      pods: {
        status: "problem",
        found: "The Deployment gitlab-runner is scaled to 0; manager.replicas is 1.",
        todo: scale,
      },
      "release-objects": {
        status: "problem",
        found:
          "The Deployment gitlab-runner was changed: spec.replicas, spec.template.metadata.annotations.linkerd.io/inject.",
        todo: /^helm rollback gitlab-runner \d+ --namespace gitlab-runner$/,
      },
      linkerd: {
        status: "problem",
        found: 'The manager\'s pod template lacks the annotation linkerd.io/inject: "enabled".',
        todo: /^helm rollback gitlab-runner \d+ --namespace gitlab-runner$/,
      },
      "linkerd-proxy": skippedFor("Linkerd's annotations are in place"),
    });
    await follow(scale);
    await kubectl("delete", "deployment", "gitlab-runner");
    const found = "There is no Deployment gitlab-runner in namespace gitlab-runner.";
    const { stdout } = await doctor(["--stack", "sandbox"]);
    const todo = new RegExp(`^✖ The manager pods are ready\n    ${found}\n    → (helm rollback .*)$`, "m").exec(
      stdout,
    )?.[1];
    assert.match(todo ?? "", /^helm rollback gitlab-runner \d+ --namespace gitlab-runner$/, stdout);
    await follow(todo ?? "");
    await kubectl("rollout", "status", "deployment", "gitlab-runner", "--timeout", "60s");
    await expectFindings({});
  });

  test("ends with 2 where it cannot check", async () => {
    const missing = await doctor(["--stack", "nowhere", "--json"]);
    assert.deepEqual(missing, {
      stdout: "",
      stderr: "There is no stack nowhere. To list the stacks: pulumi stack ls",
      exitCode: 2,
    });
    const noPulumi = await doctor(["--stack", "sandbox"], { PATH: "/nowhere" });
    assert.deepEqual(noPulumi, {
      stdout: "",
      stderr: "The command pulumi was not found. Install it: https://www.pulumi.com/docs/install/",
      exitCode: 2,
    });
    const wrongOption = await doctor(["--grace", "soon"]);
    assert.equal(wrongOption.exitCode, 2);
    assert.match(wrongOption.stderr, /It must be a number of minutes, 0 or more\./);
    await must(["pulumi", "config", "set", "locked", "true"]);
    const badConfig = await doctor(["--stack", "sandbox"]);
    assert.equal(badConfig.exitCode, 2);
    assert.match(badConfig.stderr, /^The configuration of the stack sandbox cannot be deployed\.\n/);
    assert.match(badConfig.stderr, /locked/);
  });
});

/** Stands in for the kubelet of a node, whose log endpoint the API server asks; it checks no certificate. */
async function startKubelet(log: string): Promise<Server> {
  const certificate = (name: string) => readFileSync(join(sandbox.path, "kubernetes", "certs", name));
  const server = createServer(
    { key: certificate("apiserver.key"), cert: certificate("apiserver.crt") },
    (request, response) => {
      const asked = new URL(request.url ?? "", "https://localhost");
      const isRight = asked.pathname === "/containerLogs/gitlab-runner/crashing/gitlab-runner";
      response.writeHead(isRight && asked.searchParams.get("previous") === "true" ? 200 : 404).end(log);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function simulatedNode(name: string, port: number): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    status: {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
      conditions: [{ type: "Ready", status: "True" }],
    },
  };
}

function crashingPod(node: string): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "crashing", labels: { app: "gitlab-runner" } },
    spec: {
      nodeName: node,
      tolerations: [{ operator: "Exists" }],
      containers: [{ name: "gitlab-runner", image: "gitlab-runner" }],
    },
  };
}

const crashed = {
  status: {
    phase: "Running",
    containerStatuses: [
      {
        name: "gitlab-runner",
        image: "gitlab-runner",
        imageID: "",
        ready: false,
        restartCount: 3,
        state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 40s" } },
        lastState: { terminated: { exitCode: 1, reason: "Error" } },
      },
    ],
  },
};
