import { z } from "zod";

/**
 * A range of addresses. Kubernetes 1.36 refuses one that is not named after its first address, or that writes IPv4 as IPv6.
 * Source: `StrictIPCIDRValidation` in https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/
 */
export const addressRange = z
  .union([z.cidrv4(), z.cidrv6()], { error: "must be a range of addresses, such as 10.0.0.0/8" })
  .superRefine((text, context) => {
    const [address = "", length = ""] = text.split("/");
    const isIpv4 = !address.includes(":");
    const bits = isIpv4 ? ipv4Bits(address) : ipv6Bits(address);
    const free = BigInt((isIpv4 ? 32 : 128) - Number(length));
    const first = (bits >> free) << free;
    if (!isIpv4 && bits >> 32n === 0xffffn) {
      context.addIssue({ code: "custom", message: "must not be a range of IPv4 addresses that are written as IPv6" });
    } else if (first !== bits) {
      const range = `${isIpv4 ? ipv4Text(first) : ipv6Text(first)}/${length}`;
      const message = "must start with the first address of its range";
      context.addIssue({ code: "custom", message, params: { example: range, detail: `: ${range}` } });
    }
  });

function ipv4Bits(address: string): bigint {
  return address.split(".").reduce((bits, part) => (bits << 8n) + BigInt(part), 0n);
}

function ipv4Text(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 0xffn)).join(".");
}

function ipv6Bits(address: string): bigint {
  // As a host, it is written without IPv4 in it, and with :: for zeros only.
  const [head = [], tail = []] = new URL(`http://[${address}]`).hostname
    .slice(1, -1)
    .split("::")
    .map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return [...head, ...zeros, ...tail].reduce((bits, group) => (bits << 16n) + BigInt(`0x${group}`), 0n);
}

function ipv6Text(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((bits >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
