import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { CacheSettings } from "./settings/cache.ts";
import { anywhere, ipBlocks, type NetworkPolicySettings } from "./settings/namespace.ts";

/** Specification of a NetworkPolicy. */
export type NetworkPolicySpec = k8s.types.input.networking.v1.NetworkPolicySpec;

/** What pods of the runner have to reach. */
export interface NetworkNeeds {
  /** Value of the label `app` of the manager pods. */
  readonly app: string;
  /** Address of GitLab. */
  readonly gitlabUrl: pulumi.Input<string>;
  /** The object store, if there is a cache. */
  readonly cache: Pick<CacheSettings, "server" | "insecure"> | undefined;
  /** Manager pods serve metrics. */
  readonly metrics: boolean;
  /** Pods have Linkerd's proxy. */
  readonly linkerd: boolean;
  /** Addresses. */
  readonly settings: NetworkPolicySettings;
}

type EgressRule = k8s.types.input.networking.v1.NetworkPolicyEgressRule;

const metricsPort = 9252;
/** As kubeadm and the clouds, k3s, and MicroK8s have it: policies see the port behind the Service, not its own, 443. */
const apiServerPorts = [443, 6443, 16443];
/** Linkerd's proxy talks to other proxies at this port; see https://linkerd.io/2/reference/architecture/ */
const linkerdInboundPort = 4143;

/**
 * NetworkPolicies of the manager's namespace, by name: nothing may come in or go out but what the manager needs.
 * @returns nothing for the jobs, whose pods may share the namespace: see {@link jobNetworkPolicies}
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

/** NetworkPolicies of the jobs' namespace, by name: nothing may come in or go out but what every job needs. */
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
    // To anywhere, since a node's own DNS cache is no pod that could be selected.
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
  // A policy sees the pods behind a Service, whose port need not be the Service's.
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
