import { leaves } from "./runner-release.ts";

/** Ports of DNS and of Linkerd's proxies, whose addresses a NetworkPolicy cannot know. */
const portsAnywhere = [53, 4143];

/** A NetworkPolicy of Kubernetes, as far as the rules look at it. */
export interface NetworkPolicy {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: {
    readonly podSelector?: object;
    readonly policyTypes?: readonly string[];
    readonly ingress?: readonly { readonly from?: readonly Peer[]; readonly ports?: readonly Port[] }[];
    readonly egress?: readonly { readonly to?: readonly Peer[]; readonly ports?: readonly Port[] }[];
  };
}

interface Peer {
  readonly ipBlock?: { readonly cidr: string };
}

interface Port {
  readonly port?: number | string;
}

/** Whether it denies all traffic of its namespace that no other policy allows. */
export function deniesAll({ podSelector, policyTypes, ingress, egress }: NetworkPolicy["spec"]): boolean {
  return (
    leaves(podSelector ?? {}).length === 0 &&
    ["Ingress", "Egress"].every((direction) => policyTypes?.includes(direction)) &&
    [ingress, egress].every((rules) => (rules ?? []).length === 0)
  );
}

/**
 * Whether it lets pods connect to any address, or any address to them at any port. A rule without peers is for every address,
 * one without ports for every port.
 */
export function isOpen({ ingress, egress }: NetworkPolicy["spec"]): boolean {
  const isEverywhere = ({ ipBlock }: Peer) => ipBlock?.cidr.endsWith("/0") === true;
  return (
    (ingress ?? []).some(
      ({ from = [], ports = [] }) => from.some(isEverywhere) || (from.length === 0 && ports.length === 0),
    ) ||
    (egress ?? []).some(
      ({ to = [], ports = [] }) =>
        to.some(isEverywhere) ||
        (to.length === 0 && (ports.length === 0 || ports.some(({ port }) => !portsAnywhere.includes(Number(port))))),
    )
  );
}
