import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { CacheSettings } from "./settings/cache.ts";
import { anywhere, ipBlocks, type NetworkPolicySettings } from "./settings/namespace.ts";

/** Specification of a NetworkPolicy. */
export type NetworkPolicySpec = k8s.types.input.networking.v1.NetworkPolicySpec;

/** What the runner's pods must be able to reach. */
export interface NetworkNeeds {
  /** Value of the label `app` of the manager pods. */
  readonly app: string;
  /** URL of GitLab. */
  readonly gitlabUrl: pulumi.Input<string>;
  /** The object store, if there is a cache. */
  readonly cache: Pick<CacheSettings, "server" | "insecure"> | undefined;
  /** Manager pods serve metrics. */
  readonly metrics: boolean;
  /** Linkerd's proxy runs in the pods. */
  readonly linkerd: boolean;
  /** IP ranges that pods may connect to. */
  readonly settings: NetworkPolicySettings;
}

type EgressRule = k8s.types.input.networking.v1.NetworkPolicyEgressRule;

const metricsPort = 9252;
/**
 * Ports of the API server in kubeadm and managed clusters (443, 6443), k3s (6443), and MicroK8s (16443): a policy applies to
 * the port behind the Service, not to the Service's own, 443.
 */
const apiServerPorts = [443, 6443, 16443];
/** Linkerd's proxy connects to other proxies on this port; see https://linkerd.io/2/reference/architecture/ */
const linkerdInboundPort = 4143;

/**
 * NetworkPolicies of the manager's namespace, by name: all traffic is denied except what the manager needs.
 * @returns none for the jobs, whose pods may share the namespace: see {@link jobNetworkPolicies}
 */
export function managerNetworkPolicies(needs: NetworkNeeds): Record<string, NetworkPolicySpec> {
  const { settings, app } = needs;
  return {
    ...basePolicies(needs),
    manager: {
      podSelector: { matchLabels: { app } },
      policyTypes: ["Ingress", "Egress"],
      ingress: needs.metrics ? [{ ports: tcp(metricsPort) }] : [],
      egress: [toGitLab(needs), { to: ipBlocks(settings.apiServer), ports: tcp(...apiServerPorts) }],
    },
  };
}

/** NetworkPolicies of the jobs' namespace, by name: all traffic is denied except what every job needs. */
export function jobNetworkPolicies(needs: NetworkNeeds): Record<string, NetworkPolicySpec> {
  const { settings, app } = needs;
  return {
    ...basePolicies(needs),
    jobs: {
      podSelector: { matchExpressions: [{ key: "app", operator: "NotIn", values: [app] }] },
      policyTypes: ["Egress"],
      egress: [
        toGitLab(needs),
        ...(needs.cache === undefined ? [] : [toCache(settings, needs.cache)]),
        ...(settings.jobs.length === 0 ? [] : [{ to: ipBlocks(settings.jobs) }]),
      ],
    },
  };
}

function basePolicies({ linkerd }: NetworkNeeds): Record<string, NetworkPolicySpec> {
  return {
    "default-deny": { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    // To any address: a node-local DNS cache has no pod that a policy could select.
    dns: {
      podSelector: {},
      policyTypes: ["Egress"],
      egress: [
        {
          ports: [
            { protocol: "UDP", port: 53 },
            { protocol: "TCP", port: 53 },
          ],
        },
      ],
    },
    ...(linkerd
      ? {
          linkerd: {
            podSelector: {},
            policyTypes: ["Egress"],
            egress: [{ to: [inNamespace("linkerd")] }, { ports: tcp(linkerdInboundPort) }],
          },
        }
      : {}),
  };
}

function toGitLab({ gitlabUrl, settings }: NetworkNeeds): EgressRule {
  const ports = pulumi.output(gitlabUrl).apply((address) => {
    const { port, protocol } = new URL(address);
    return tcp(portOf(port, protocol === "http:"));
  });
  return { to: ipBlocks(settings.gitlab), ports };
}

function toCache(
  settings: NetworkPolicySettings,
  { server, insecure }: NonNullable<NetworkNeeds["cache"]>,
): EgressRule {
  const { host = "", port = "" } = /^(?<host>\[.*\]|[^:]*)(?::(?<port>\d+))?$/.exec(server)?.groups ?? {};
  const [, namespace] = /^[^.]+\.([^.]+)\.svc(\.|$)/.exec(host) ?? [];
  // A policy applies to the pods behind a Service, whose port may differ from the Service's.
  return settings.cache === undefined && namespace !== undefined
    ? { to: [inNamespace(namespace)] }
    : { to: ipBlocks(settings.cache ?? anywhere), ports: tcp(portOf(port, insecure)) };
}

function portOf(port: string, insecure: boolean): number {
  return port === "" ? (insecure ? 80 : 443) : Number(port);
}

function tcp(...ports: number[]): { protocol: string; port: number }[] {
  return ports.map((port) => ({ protocol: "TCP", port }));
}

function inNamespace(name: string): { namespaceSelector: { matchLabels: Record<string, string> } } {
  return { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } };
}
