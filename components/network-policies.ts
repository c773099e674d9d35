import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { metadataRanges, metadataRangesIn } from "./cloud-metadata.ts";
import type { CacheSettings } from "./settings/cache.ts";
import {
  anywhere,
  peers,
  type NetworkDestination,
  type NetworkPeer,
  type NetworkPolicySettings,
} from "./settings/namespace.ts";

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
  /** Jobs may reach the cloud's metadata service. */
  readonly cloudMetadata: boolean;
  /** Where pods may connect to; false for everywhere. */
  readonly settings: NetworkPolicySettings | false;
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
const dnsPorts = [
  { protocol: "UDP", port: 53 },
  { protocol: "TCP", port: 53 },
];

/**
 * NetworkPolicies of the manager's namespace, by name: all traffic is denied except what the manager needs.
 * @returns none for the jobs, whose pods may share the namespace: see {@link jobNetworkPolicies}
 */
export function managerNetworkPolicies(needs: NetworkNeeds): Record<string, NetworkPolicySpec> {
  const { settings, app, gitlabUrl } = needs;
  if (settings === false) {
    return {};
  }
  return {
    ...basePolicies(needs),
    manager: {
      podSelector: { matchLabels: { app } },
      policyTypes: ["Ingress", "Egress"],
      ingress: needs.metrics ? [{ ports: tcp(metricsPort) }] : [],
      egress: pulumi
        .output(gitlabUrl)
        .apply((url) => [
          ...toServer(settings.gitlab, url),
          ...to(settings.apiServer, apiServerPorts),
          ...to(settings.manager),
        ]),
    },
  };
}

/**
 * NetworkPolicies of the jobs' namespace, by name: all traffic is denied except what jobs need. Where they may connect to
 * everything, only the cloud's metadata service is left out.
 */
export function jobNetworkPolicies(needs: NetworkNeeds): Record<string, NetworkPolicySpec> {
  const { settings, app, gitlabUrl, cache, cloudMetadata } = needs;
  const jobs = {
    podSelector: { matchExpressions: [{ key: "app", operator: "NotIn", values: [app] }] },
    policyTypes: ["Egress"],
  };
  if (settings === false) {
    return cloudMetadata ? {} : { jobs: { ...jobs, egress: everywhereElse() } };
  }
  return {
    ...basePolicies(needs),
    jobs: {
      ...jobs,
      egress: pulumi
        .output(gitlabUrl)
        .apply((url) => [
          ...toServer(settings.gitlab, url),
          ...(cache === undefined
            ? []
            : toServer(settings.cache, `${cache.insecure ? "http" : "https"}://${cache.server}`)),
          ...to(settings.jobs),
          ...(cloudMetadata ? [{ to: peers(metadataRanges) }] : []),
        ]),
    },
  };
}

function basePolicies({ linkerd }: NetworkNeeds): Record<string, NetworkPolicySpec> {
  return {
    "default-deny": { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    // To any address: a node-local DNS cache has no pod that a policy could select, and a cloud's DNS server may have the
    // address of its metadata service.
    dns: { podSelector: {}, policyTypes: ["Egress"], egress: [{ ports: dnsPorts }] },
    ...(linkerd
      ? {
          linkerd: {
            podSelector: {},
            policyTypes: ["Egress"],
            egress: [{ to: peers([{ namespace: "linkerd" }]) }, { ports: tcp(linkerdInboundPort) }],
          },
        }
      : {}),
  };
}

/** Rules that allow everything but the cloud's metadata service. */
function everywhereElse(): EgressRule[] {
  return [
    // Cilium's ipBlocks select no pods: https://docs.cilium.io/en/stable/network/kubernetes/policy/
    { to: [...peers(anywhere).map(withoutMetadata), { namespaceSelector: {} }] },
    // Nor do they select nodes, where a DNS cache and the API server may run. No metadata service is at these ports.
    { ports: [...dnsPorts, ...tcp(6443, 16443)] },
  ];
}

/** Rules for a server at a URL: without settings, for its namespace where it is a Service, else for any address. */
function toServer(destinations: readonly NetworkDestination[] | undefined, url: string): EgressRule[] {
  const { hostname, port, protocol } = new URL(url);
  const [, namespace] = /^[^.]+\.([^.]+)\.svc(\.|$)/.exec(hostname) ?? [];
  const usual = namespace === undefined ? anywhere : [{ namespace }];
  return to(destinations ?? usual, [port === "" ? (protocol === "http:" ? 80 : 443) : Number(port)]);
}

/**
 * Rules for destinations, one for all that have the same ports; never for the cloud's metadata service within a range.
 * @param usualPorts those of a range that names none. @defaultValue all
 */
function to(destinations: readonly NetworkDestination[], usualPorts: readonly number[] = []): EgressRule[] {
  const portsOf = (one: NetworkDestination): readonly number[] =>
    // A policy applies to the pods behind a Service, whose port may differ from the Service's.
    typeof one === "string" ? usualPorts : (one.ports ?? (one.namespace === undefined ? usualPorts : []));
  return [...Map.groupBy(destinations, (one) => portsOf(one).join()).values()].map((group) => {
    const ports = group.slice(0, 1).flatMap(portsOf);
    return { to: peers(group).map(withoutMetadata), ...(ports.length === 0 ? {} : { ports: tcp(...ports) }) };
  });
}

function withoutMetadata(peer: NetworkPeer): NetworkPeer {
  if (!("ipBlock" in peer)) {
    return peer;
  }
  const except = metadataRangesIn(peer.ipBlock.cidr);
  return except.length === 0 ? peer : { ipBlock: { ...peer.ipBlock, except } };
}

function tcp(...ports: number[]): { protocol: string; port: number }[] {
  return ports.map((port) => ({ protocol: "TCP", port }));
}
