import assert from "node:assert/strict";
import { after, before, describe, test, type TestContext } from "node:test";
import { execa } from "execa";
import getPort from "get-port";
import { fixCommands } from "../../components/config/commands.ts";
import { RunnerNamespace } from "../../components/runner-namespace.ts";
import { checkSettings } from "../../components/settings/check.ts";
import { quotaNames } from "../../components/settings/quota-resources.ts";
import { containerDefaults, type ContainerResources } from "../../components/settings/resources.ts";
import { parseQuantity } from "../../components/quantity.ts";
import { builtTools } from "../../tools/pinned-tools.ts";
import { expectOk } from "../../sandbox/cluster.ts";
import { startServer } from "../../sandbox/servers.ts";
import { runConfigCommand } from "../unit/config-commands.ts";
import { deploy } from "../unit/mock-engine.ts";
import { ApiServerUnderTest } from "./api-server-under-test.ts";

/** Settings as a stack has them. */
type Settings = Readonly<Record<string, unknown>>;

const tools = builtTools();
const server = new ApiServerUnderTest();

/** Runs kubectl, and returns what it prints: on the error stream, where it fails. */
async function kubectl(args: readonly string[], input?: object): Promise<{ failed: boolean; output: string }> {
  const { failed, stdout, stderr } = await execa(tools.kubectl, ["--kubeconfig", server.kubeconfig, ...args], {
    ...(input === undefined ? {} : { input: JSON.stringify(input) }),
    reject: false,
    timeout: 60_000,
  });
  return { failed, output: failed ? stderr : stdout };
}

async function succeeds(args: readonly string[], input?: object): Promise<string> {
  const { failed, output } = await kubectl(args, input);
  assert.equal(failed, false, output);
  return output;
}

const create = (namespace: string, manifest: object, ...flags: string[]) =>
  kubectl(["--namespace", namespace, "create", "--filename", "-", ...flags], manifest);

function look(values: Settings) {
  return checkSettings("gitlab-runner", { registration: { projectId: 1 }, ...values });
}

/** What the rules say, each as `path: what is expected`. */
function contradictions(values: Settings): string[] {
  return look(values).contradictions.map(({ path, expected }) => `${path.join(".")}: ${expected}`);
}

/** Follows the first fix of each contradiction, until there is none. */
function fixed(values: Settings): Settings {
  const [fix] = look(values).contradictions.map((contradiction) => contradiction.fix?.first);
  if (fix === undefined) {
    return values;
  }
  return fixed(runConfigCommand(fixCommands({ first: fix }), { values }).values);
}

let namespaces = 0;

/** Makes the namespace of the jobs as the program does, and waits until its quota is in force. */
async function makeNamespace(t: TestContext, values: Settings): Promise<string> {
  namespaces += 1;
  const name = `jobs-${namespaces}`;
  await succeeds(["create", "namespace", name]);
  await succeeds(["--namespace", name, "wait", "--for=create", "serviceaccount/default", "--timeout=30s"]);
  for (const manifest of await policies(name, values)) {
    const { failed, output } = await create(name, manifest);
    assert.equal(failed, false, output);
  }
  // The API server learns of the quota within moments; until then, it lets everything in.
  await t.waitFor(
    async () => {
      const huge = { cpu: "1M", memory: "1Ei", "ephemeral-storage": "1Ei" };
      const { output } = await create(name, pod("probe", [{ requests: huge, limits: huge }]), "--dry-run=server");
      assert.match(output, /exceeded quota/);
    },
    { timeout: 30_000 },
  );
  return name;
}

/** The LimitRange and the ResourceQuota. */
async function policies(name: string, values: Settings): Promise<object[]> {
  const { jobs, quota = {} } = look(values).settings;
  const { one } = await deploy(
    () =>
      new RunnerNamespace("jobs", {
        ...{ name, quota },
        containerDefaults: containerDefaults(jobs.resources, jobs.helperResources),
      }),
  );
  return ["kubernetes:core/v1:LimitRange", "kubernetes:core/v1:ResourceQuota"].map((type) => one(type).inputs);
}

function pod(name: string, containers: readonly object[], initContainers: readonly object[] = []): object {
  const container = (resources: object, index: number) => ({ name: `c${index}`, image: "alpine", resources });
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      automountServiceAccountToken: false,
      containers: containers.map(container),
      initContainers: initContainers.map((resources, index) => container(resources, containers.length + index)),
    },
  };
}

/** The pods that run in the jobs' namespace at the same time, less services. */
function podsOf(values: Settings): { managers: object[]; jobs: object[]; withService: object } {
  const { manager, jobs } = look(values).settings;
  const { resources, helperResources: helper, serviceResources: service, namespace } = jobs;
  // https://docs.gitlab.com/runner/executors/kubernetes/: `init-permissions` has the helper's resources.
  const job = (name: string, ...services: ContainerResources[]) =>
    pod(name, [resources, helper, ...services], [helper]);
  return {
    managers: Array.from({ length: namespace === undefined ? manager.replicas : 0 }, (_, index) =>
      pod(`manager-${index}`, [manager.resources]),
    ),
    jobs: Array.from({ length: manager.concurrent * manager.replicas }, (_, index) => job(`job-${index}`)),
    withService: job("job-with-service", service),
  };
}

async function quotaStatus(namespace: string) {
  const output = await succeeds(["--namespace", namespace, "get", "resourcequota", "gitlab-runner", "--output=json"]);
  const { status } = JSON.parse(output) as { status: Record<"hard" | "used", Record<string, string>> };
  const amounts = (list: Record<string, string>) =>
    Object.fromEntries(Object.entries(list).map(([key, amount]) => [key, parseQuantity(amount)]));
  return { hard: amounts(status.hard), used: amounts(status.used) };
}

describe("a quota, on a Kubernetes API server", { timeout: 5 * 60_000 }, () => {
  before(async () => {
    await server.start();
    const port = await getPort();
    const certificates = server.folder.file("kubernetes", "certs");
    await startServer(server.folder, server.state, {
      name: "kube-controller-manager",
      command: tools["kube-controller-manager"],
      args: [
        ["--kubeconfig", server.kubeconfig],
        ["--leader-elect=false"],
        ["--controllers=resourcequota-controller,serviceaccount-controller"],
        ["--bind-address", "127.0.0.1", "--secure-port", String(port)],
        ["--tls-cert-file", `${certificates}/apiserver.crt`, "--tls-private-key-file", `${certificates}/apiserver.key`],
      ].flat(),
      ready: () => expectOk(`https://127.0.0.1:${port}/healthz`),
    });
  });
  after(async () => {
    await server.stop();
  });

  const all = Object.fromEntries(
    ["requests.cpu", "limits.cpu", "cpu", "requests.memory", "limits.memory", "memory", "pods", "count/pods"].map(
      (key) => [key, "0"],
    ),
  );
  const disk = { "requests.ephemeral-storage": "0", "limits.ephemeral-storage": "0" };
  for (const [title, values] of [
    ["the defaults", { quota: all }],
    ["two managers", { quota: all, manager: { concurrent: 2, replicas: 2 } }],
    ["jobs apart from the manager", { quota: all, jobs: { namespace: "ci-jobs" } }],
    [
      "amounts that come from the LimitRange",
      {
        quota: all,
        manager: { concurrent: 1, resources: {} },
        jobs: {
          resources: { limits: { cpu: "1.7", memory: "1.5Gi" } },
          helperResources: { requests: { cpu: "0.1" } },
        },
      },
    ],
    [
      "disk space",
      {
        quota: { ...all, ...disk },
        jobs: {
          resources: { limits: { cpu: 1, memory: "1G", "ephemeral-storage": "5Gi" } },
          helperResources: { requests: { "ephemeral-storage": "1Gi" } },
        },
      },
    ],
  ] as const) {
    test(`lets in what the rules count, and no job more: ${title}`, async (t) => {
      const fitting = fixed(values);
      const namespace = await makeNamespace(t, fitting);
      const { managers, jobs } = podsOf(fitting);
      for (const manifest of [...managers, ...jobs]) {
        const { failed, output } = await create(namespace, manifest);
        assert.equal(failed, false, output);
      }
      const { hard, used } = await quotaStatus(namespace);
      assert.deepEqual(used, hard);
      const { output } = await create(namespace, { ...jobs[0], metadata: { name: "one-more" } });
      assert.match(output, /exceeded quota: gitlab-runner/);
    });
  }

  const quota = { "requests.memory": "100Gi" };
  for (const [title, values, refusal] of [
    [
      "a manager above the default limit",
      { quota, manager: { resources: { requests: { cpu: "2001m" } } } },
      /must be less than or equal to cpu limit of 2\b/,
    ],
    [
      "a service above the default limit",
      { quota, jobs: { serviceResources: { requests: { memory: "2049Mi" } } } },
      /must be less than or equal to memory limit of 2Gi/,
    ],
    [
      "a helper above the default limit",
      { quota, jobs: { helperResources: { requests: { cpu: "2001m" }, limits: { cpu: 3 } } } },
      /default request value 2001m is greater than default limit value 2\b/,
    ],
    [
      "a build without a limit",
      { quota: { ...quota, "limits.cpu": "100" }, jobs: { resources: { limits: { memory: "1Gi" } } } },
      /must specify limits\.cpu for: c0/,
    ],
    [
      "containers without a request",
      {
        quota: { ...quota, "requests.cpu": "100" },
        jobs: { resources: { requests: { cpu: "1" } }, helperResources: { requests: { memory: "64Mi" } } },
      },
      /must specify requests\.cpu for: c1/,
    ],
  ] as const) {
    test(`refuses what the rules name, and takes it as they say: ${title}`, async (t) => {
      assert.equal(contradictions(values).length, 1, contradictions(values).join("\n"));
      const refused = await everything(t, values);
      assert.match(refused, refusal);
      assert.equal(await everything(t, fixed(values)), "");
    });
  }

  test("counts no disk space of containers that have none", async (t) => {
    const values = { quota: { pods: 5, "requests.cpu": "2500m", "limits.ephemeral-storage": "1" } };
    assert.match(contradictions(values).join("\n"), /^quota\.limits\.ephemeral-storage: must not be set while/);
    const namespace = await makeNamespace(t, values);
    for (const manifest of podsOf(values).jobs) {
      const { failed, output } = await create(namespace, manifest);
      assert.equal(failed, false, output);
    }
    assert.equal((await quotaStatus(namespace)).used["limits.ephemeral-storage"], 0);
  });

  test("may have each name that the settings take, and not all others", async () => {
    const manifest = (names: readonly string[]) => ({
      ...{ apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "names" } },
      spec: { hard: Object.fromEntries(names.map((name) => [name, "1"])) },
    });
    const taken = await create("default", manifest(quotaNames), "--dry-run=server");
    assert.equal(taken.failed, false, taken.output);
    const { output } = await create("default", manifest(["request.cpu"]), "--dry-run=server");
    assert.match(output, /must be a standard resource/);
  });
});

/** Makes a namespace, a manager and a job with a service in it; returns what the API server has against it. */
async function everything(t: TestContext, values: Settings): Promise<string> {
  const refused = await Promise.all(
    (await policies("default", values)).map((manifest) => create("default", manifest, "--dry-run=server")),
  );
  const message = refused.map(({ failed, output }) => (failed ? output : "")).join("");
  if (message !== "") {
    return message;
  }
  const namespace = await makeNamespace(t, values);
  const { managers, withService } = podsOf(values);
  const created = await Promise.all([...managers, withService].map((manifest) => create(namespace, manifest)));
  return created.map(({ failed, output }) => (failed ? output : "")).join("");
}
