import assert from "node:assert/strict";
import { BlockList, isIP } from "node:net";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { metadataRangesIn } from "../../components/cloud-metadata.ts";
import type { GitLabRunnerArgs } from "../../components/gitlab-runner-args.ts";
import { GitLabRunner } from "../../components/gitlab-runner.ts";
import { deploy } from "./mock-engine.ts";

interface Peer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
  readonly namespaceSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
}

interface Spec {
  readonly podSelector: {
    readonly matchLabels?: Readonly<Record<string, string>>;
    readonly matchExpressions?: readonly { readonly key: string; readonly values: readonly string[] }[];
  };
  readonly policyTypes: readonly string[];
  readonly egress?: readonly {
    readonly to?: readonly Peer[];
    readonly ports?: readonly { readonly protocol: string; readonly port: number }[];
  }[];
}

interface Policy {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Spec;
}

async function policiesOf(args: GitLabRunnerArgs): Promise<Policy[]> {
  const { all } = await deploy(() => new GitLabRunner("gitlab-runner", { registration: { projectId: 1 }, ...args }));
  return all("kubernetes:networking.k8s.io/v1:NetworkPolicy").map(({ inputs }) => inputs as unknown as Policy);
}

/** The value of the label `app` of a pod. */
const manager = "gitlab-runner";
const job = undefined;

function selects({ podSelector: { matchLabels, matchExpressions } }: Spec, app: string | undefined): boolean {
  const isExcluded = matchExpressions?.some(({ key, values }) => key === "app" && values.includes(app ?? "")) === true;
  return !isExcluded && (matchLabels === undefined || matchLabels["app"] === app);
}

function contains(cidr: string, address: string): boolean {
  const [network = "", prefix] = cidr.split("/");
  const family = isIP(network) === 4 ? "ipv4" : "ipv6";
  const range = new BlockList();
  range.addSubnet(network, Number(prefix), family);
  return isIP(network) === isIP(address) && range.check(address, family);
}

/**
 * What Kubernetes makes of policies: a pod that any of them selects reaches only what one of them allows.
 * Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#the-two-sorts-of-pod-isolation
 * @param target an address or, of a pod, its namespace
 */
function reaches(policies: readonly Policy[], app: string | undefined, target: string, port: number): boolean {
  const isTarget = ({ ipBlock, namespaceSelector }: Peer) =>
    ipBlock === undefined
      ? isIP(target) === 0 &&
        [undefined, target].includes(namespaceSelector?.matchLabels?.["kubernetes.io/metadata.name"])
      : isIP(target) !== 0 &&
        contains(ipBlock.cidr, target) &&
        ipBlock.except?.some((range) => contains(range, target)) !== true;
  const own = policies.map(({ spec }) => spec).filter((spec) => selects(spec, app));
  return (
    own.length === 0 ||
    own
      .flatMap(({ egress = [] }) => egress)
      .some(
        ({ to, ports }) =>
          (to?.some(isTarget) ?? true) &&
          (ports?.some(({ protocol, port: open }) => protocol === "TCP" && open === port) ?? true),
      )
  );
}

const metadata = ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"];

describe("the cloud's metadata service", { timeout: 30_000 }, () => {
  const reached = (policies: readonly Policy[], app: string | undefined) =>
    metadata.filter((address) => reaches(policies, app, address, 80));

  test("is closed for jobs, and nothing else is", async () => {
    const policies = await policiesOf({});
    assert.deepEqual(
      policies.map(({ metadata: { name, namespace }, spec }) => [namespace, name, spec.policyTypes]),
      [["gitlab-runner", "jobs", ["Egress"]]],
    );
    assert.deepEqual(reached(policies, job), []);
    const others: [string, number][] = [
      ["203.0.113.10", 22],
      ["10.0.0.1", 443],
      ["2001:db8::1", 443],
      ["minio", 9000],
      ["kube-system", 53],
      // A node-local DNS cache, and clouds' own DNS servers.
      ["169.254.20.10", 53],
      ["169.254.169.254", 53],
      // EKS Pod Identity's agent.
      ["169.254.170.23", 80],
    ];
    assert.deepEqual(
      others.filter(([target, port]) => !reaches(policies, job, target, port)),
      [],
    );
    assert.deepEqual(reached(policies, manager), metadata);
  });

  test("is closed without what Cilium takes for neither a range nor a pod: servers on nodes", async () => {
    const rules = (await policiesOf({})).flatMap(({ spec: { egress = [] } }) => egress);
    assert.deepEqual(
      rules.filter(({ to }) => to === undefined).map(({ ports = [] }) => ports.map(({ port }) => port)),
      [[53, 53, 6443, 16443]],
    );
  });

  test("is closed in the jobs' own namespace", async () => {
    const policies = await policiesOf({ jobs: { namespace: "ci-jobs" } });
    assert.deepEqual(
      policies.map(({ metadata: { name, namespace } }) => [namespace, name]),
      [["ci-jobs", "jobs"]],
    );
  });

  test("is closed within ranges that are open, for jobs and the manager", async () => {
    const everything = ["0.0.0.0/0", "::/0", "169.254.0.0/16"];
    const policies = await policiesOf({ networkPolicy: { jobs: everything, manager: everything, gitlab: everything } });
    for (const app of [job, manager]) {
      assert.deepEqual(reached(policies, app), []);
      assert.ok(reaches(policies, app, "203.0.113.10", 22) && reaches(policies, app, "169.254.20.10", 80));
    }
  });

  test("is open where it is named by itself", async () => {
    const policies = await policiesOf({ networkPolicy: { jobs: ["169.254.169.254/32"] } });
    assert.deepEqual(reached(policies, job), ["169.254.169.254"]);
  });

  test("is open for jobs that are let reach it, and not for the manager", async () => {
    assert.deepEqual(await policiesOf({ jobs: { cloudMetadata: true } }), []);
    const policies = await policiesOf({ jobs: { cloudMetadata: true }, networkPolicy: true });
    assert.deepEqual(reached(policies, job), metadata);
    assert.deepEqual(reached(policies, manager), []);
    assert.equal(reaches(policies, job, "203.0.113.10", 80), false);
  });

  test("is taken out of ranges as the API server accepts it: only of a range that has more in it", () => {
    assert.deepEqual(metadataRangesIn("169.254.0.0/16"), [
      "169.254.169.254/32",
      "169.254.169.252/32",
      "169.254.0.23/32",
      "169.254.42.42/32",
    ]);
    assert.deepEqual(metadataRangesIn("fd00:ec2::/32"), ["fd00:ec2::254/128"]);
    for (const range of ["10.0.0.0/8", "169.254.169.254/32", "fd00:ec2::254/128", "2001:db8::/32"]) {
      assert.deepEqual(metadataRangesIn(range), []);
    }
    assert.ok(metadataRangesIn("::/0").every((one) => one.endsWith("/128")));
  });
});

describe("a closed network", { timeout: 30_000 }, () => {
  test("has GitLab, the cache and the API server open, each for those who need it", async () => {
    const policies = await policiesOf({ networkPolicy: true, gitlabUrl: "http://gitlab.example.com:8080" });
    const open = (app: string | undefined, target: string, ports: readonly number[]) =>
      ports.filter((port) => reaches(policies, app, target, port));
    const ports = [53, 80, 443, 3128, 6443, 8080, 8443, 9000, 16443];
    assert.deepEqual(open(manager, "203.0.113.10", ports), [53, 443, 6443, 8080, 16443]);
    assert.deepEqual(open(job, "203.0.113.10", ports), [53, 8080]);
    assert.deepEqual(open(manager, "minio", [9000]), []);
    assert.deepEqual(open(job, "minio", [9000]), [9000]);
    assert.deepEqual(open(job, "default", [9000]), []);
  });

  test("has the namespace of a GitLab in the cluster open, at the ports of its pods", async () => {
    for (const gitlabUrl of [
      "http://gitlab-webservice.gitlab.svc:8080",
      pulumi.output("https://web.gitlab.svc.cluster.local"),
    ]) {
      const policies = await policiesOf({ networkPolicy: true, gitlabUrl });
      for (const app of [job, manager]) {
        assert.ok(reaches(policies, app, "gitlab", 8181));
        assert.equal(reaches(policies, app, "default", 8181), false);
        assert.equal(reaches(policies, app, "203.0.113.10", 8080), false);
      }
    }
  });

  test("has only those ranges of GitLab, the cache and the API server open that are given, at their ports", async () => {
    const policies = await policiesOf({
      networkPolicy: { gitlab: ["203.0.113.0/24"], cache: ["10.1.0.0/16"], apiServer: ["10.2.0.0/16"] },
      cache: { server: "s3.example.com", insecure: false },
    });
    const targets = ["203.0.113.10", "10.1.0.1", "10.2.0.1", "198.51.100.1"];
    const open = (app: string | undefined, port: number) =>
      targets.filter((target) => reaches(policies, app, target, port));
    assert.deepEqual(open(job, 443), ["203.0.113.10", "10.1.0.1"]);
    assert.deepEqual(open(manager, 443), ["203.0.113.10", "10.2.0.1"]);
    assert.deepEqual([open(job, 9000), open(manager, 8443)], [[], []]);
  });

  test("opens what is given with ports at these alone, and namespaces without any at all", async () => {
    const policies = await policiesOf({
      networkPolicy: {
        apiServer: ["10.2.0.1/32", { cidr: "10.2.0.2/32", ports: [8443] }],
        manager: [{ cidr: "10.0.0.5/32", ports: [3128] }, "10.0.0.6/32"],
        jobs: [
          { cidr: "10.0.0.5/32", ports: [3128, 3129] },
          { namespace: "registry" },
          { namespace: "nexus", ports: [8081] },
        ],
      },
    });
    const targets = ["10.0.0.5", "10.0.0.6", "10.2.0.1", "10.2.0.2", "registry", "nexus"];
    const open = (app: string | undefined) =>
      targets.map((target) => [
        target,
        ...[3128, 3129, 6443, 8081, 8443].filter((port) => reaches(policies, app, target, port)),
      ]);
    assert.deepEqual(open(manager), [
      ["10.0.0.5", 3128],
      ["10.0.0.6", 3128, 3129, 6443, 8081, 8443],
      ["10.2.0.1", 6443],
      ["10.2.0.2", 8443],
      ["registry"],
      ["nexus"],
    ]);
    assert.deepEqual(open(job), [
      ["10.0.0.5", 3128, 3129],
      ["10.0.0.6"],
      ["10.2.0.1"],
      ["10.2.0.2"],
      ["registry", 3128, 3129, 6443, 8081, 8443],
      ["nexus", 8081],
    ]);
  });
});
