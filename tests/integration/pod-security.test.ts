import assert from "node:assert/strict";
import { delimiter, dirname } from "node:path";
import { after, before, describe, test } from "node:test";
import type { V1Pod } from "@kubernetes/client-node";
import { configToml } from "../../components/config-toml.ts";
import { jobSettings, type JobSettings } from "../../components/settings/jobs.ts";
import type { PodSecurityLevel } from "../../components/settings/namespace.ts";
import { builtTools } from "../../tools/pinned-tools.ts";
import type { Plain } from "../../tools/kubernetes-model.ts";
import { documentedPodSecurity, stackConfigs } from "../templates/documentation.ts";
import { builders, PipelineProject } from "../templates/pipeline-project.ts";
import { someRelease } from "../unit/some-release.ts";
import { ApiServerUnderTest } from "./api-server-under-test.ts";
import { examplePods, jobPodOf, type ExamplePod } from "./pod-security-pods.ts";
import { AskedApiServer } from "./rbac-matrix.ts";
import { assertDocumented } from "./security-page.ts";

/** The strictest first. */
const levels = ["restricted", "baseline", "privileged"] as const;
// The sandbox's Helm, which renders the examples.
process.env["PATH"] = [dirname(builtTools().helm), process.env["PATH"]].join(delimiter);

/** As much of a pod as is changed here before it is sent. */
interface Sent {
  readonly metadata?: object | undefined;
  readonly spec?: object | undefined;
}

/** The jobs' settings of the documentation's examples, by the type of the profiles in them. */
function documentedJobs(type: "Unconfined" | "Localhost"): JobSettings {
  const found = stackConfigs().filter((config) => JSON.stringify(config).includes(type));
  assert.equal(found.length, 1, type);
  return jobSettings.parse(found[0]?.["gitlab-runner:jobs"]);
}

/** The pod that the stack's runner makes for a job of this image. */
function pod(jobs: JobSettings, podSecurity: PodSecurityLevel, image: string): Promise<Plain<V1Pod>> {
  return jobPodOf(
    configToml(someRelease({ jobNamespace: podSecurity, jobAccount: "default", jobs, podSecurity })),
    image,
  );
}

describe("pods, at a real API server", { timeout: 180_000 }, () => {
  const server = new ApiServerUnderTest();
  const project = new PipelineProject();

  let api: AskedApiServer;

  before(async () => {
    await server.start();
    api = new AskedApiServer(server.kubeconfig);
    const runtime = { metadata: { name: "nvidia" }, handler: "nvidia" };
    assert.equal((await api.call("POST", "/apis/node.k8s.io/v1/runtimeclasses", runtime)).status, 201);
    for (const level of levels) {
      const labels = { "pod-security.kubernetes.io/enforce": level };
      for (const [path, metadata] of [
        ["namespaces", { name: level, labels }],
        // No controller makes it here.
        [`namespaces/${level}/serviceaccounts`, { name: "default" }],
      ] as const) {
        const made = await api.call("POST", `/api/v1/${path}`, { metadata });
        assert.equal(made.status, 201, made.body);
      }
    }
    await project.create();
  });
  after(async () => {
    api.close();
    await server.stop();
    project.remove();
  });

  /** @returns why Kubernetes refuses the pod at a level, or nothing */
  async function refusalOf(pod: Sent, level: PodSecurityLevel): Promise<string | undefined> {
    const { metadata, spec } = pod;
    // The account is a resource of its own, and no matter of pod security.
    const sent = {
      ...pod,
      metadata: { ...metadata, namespace: level },
      spec: { ...spec, serviceAccountName: undefined },
    };
    const { status, body } = await api.call("POST", `/api/v1/namespaces/${level}/pods?dryRun=All`, sent);
    assert.ok(status === 201 || body.includes("violates PodSecurity"), `${status} ${body}`);
    return status === 201 ? undefined : body;
  }

  async function refusal(jobs: JobSettings, level: PodSecurityLevel, image: string): Promise<string | undefined> {
    return refusalOf(await pod(jobs, level, image), level);
  }

  /** @returns the strictest level at which Kubernetes admits the pod */
  async function strictest(pod: Sent): Promise<PodSecurityLevel | undefined> {
    for (const level of levels) {
      if ((await refusalOf(pod, level)) === undefined) {
        return level;
      }
    }
    return undefined;
  }

  describe("of every example", () => {
    let pods: readonly ExamplePod[] = [];
    before(async () => {
      pods = await examplePods();
    });

    test("are admitted at the level that their namespace declares, or a stricter one", async (t) => {
      for (const { title, pod, level } of pods) {
        const met = await strictest(pod);
        assert.ok(met !== undefined && levels.indexOf(met) <= levels.indexOf(level), `${title}: ${level}`);
        assertDocumented(title, `\`${level}\``, `\`${met}\``);
      }
      t.diagnostic(`${pods.length} pods`);
    });

    test("need no more than baseline without Linkerd's own container, which is not among them", async () => {
      for (const { title, pod } of pods) {
        assert.equal(await refusalOf(pod, "baseline"), undefined, title);
      }
    });

    test("are refused with one violation in them", async () => {
      const strict = pods.filter(({ level }) => level !== "privileged");
      assert.ok(strict.length > 0);
      for (const { title, pod, level } of strict) {
        const refused = await refusalOf({ ...pod, spec: { ...pod.spec, hostNetwork: true } }, level);
        assert.match(refused ?? "", /violates PodSecurity.*host namespaces \(hostNetwork=true\)/, title);
      }
    });
  });

  const plain = jobSettings.parse({});
  const cases = [
    ["without further settings", plain],
    ["with your own profiles", documentedJobs("Localhost")],
    ["without profiles", documentedJobs("Unconfined")],
  ] as const;

  for (const [index, [what, jobs]] of cases.entries()) {
    test(`${what}: admitted at the levels that the documentation names`, async () => {
      const row = documentedPodSecurity()[index];
      assert.ok(row && (index === 0 || row.title.includes(what)), row?.title);
      for (const builder of builders) {
        const { image } = await project.imageJob(builder);
        for (const level of levels) {
          const refused = await refusal(jobs, level, image?.name ?? "");
          if (level === "restricted") {
            // What Kubernetes admits there, a builder cannot work with.
            assert.equal(row.works[level], false);
          } else {
            assert.equal(refused === undefined, row.works[level], `${builder} at ${level}: ${refused ?? "admitted"}`);
          }
        }
      }
    });
  }

  test("the build container, and no other, has the documented profiles", async () => {
    const { spec } = await pod(documentedJobs("Unconfined"), "privileged", "builder");
    for (const { name, securityContext } of [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]) {
      const expected = name === "build" ? "Unconfined" : undefined;
      assert.equal(securityContext?.seccompProfile?.type, expected, name);
      assert.equal(securityContext?.appArmorProfile?.type, expected, name);
      assert.equal(securityContext?.privileged, false, name);
    }
  });

  test("a refusal names the profile", async () => {
    const message = await refusal(documentedJobs("Unconfined"), "baseline", "builder");
    assert.match(message ?? "", /forbidden AppArmor profile.*seccompProfile/s);
  });

  test("at restricted, the stack's job pods are admitted, as users who can neither be root nor gain rights", async () => {
    assert.equal(await refusal(plain, "restricted", "builder"), undefined);
    const { spec } = await pod(plain, "restricted", "builder");
    assert.equal(spec?.securityContext?.runAsNonRoot, true);
    assert.equal(spec.containers[0]?.securityContext?.allowPrivilegeEscalation, false);
  });
});
