import { BlockList, isIP } from "node:net";

/**
 * Where clouds tell a machine about itself, and give its credentials to every program on it. Single addresses, since others
 * beside them are of use, such as that of a node-local DNS cache, 169.254.20.10.
 *
 * EKS Pod Identity's agent, 169.254.170.23 and fd00:ec2::23, is none of them: it gives a pod only what its ServiceAccount was
 * given, for a token that is mounted in that pod. Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html
 */
const metadataAddresses = [
  // AWS, Google Cloud, Azure, Oracle Cloud, OpenStack, and others:
  // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html
  // https://cloud.google.com/compute/docs/metadata/querying-metadata
  // https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
  // https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/gettingmetadata.htm
  // https://docs.openstack.org/nova/latest/admin/metadata-service.html
  "169.254.169.254",
  // GKE, whose nodes without Dataplane V2 redirect 169.254.169.254 to here before policies apply:
  // https://cloud.google.com/kubernetes-engine/docs/how-to/network-policy
  "169.254.169.252",
  // Azure's WireServer, which has the configuration that a node starts with. It is a DNS server, too; port 53 stays open.
  // https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
  "168.63.129.16",
  // Alibaba Cloud: https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
  "100.100.100.200",
  // Tencent Cloud, metadata.tencentyun.com: https://www.tencentcloud.com/document/product/213/4934
  "169.254.0.23",
  // Scaleway: https://docs.cloud-init.io/en/latest/reference/datasources/scaleway.html
  "169.254.42.42",
  "fd00:42::42",
  // AWS, as above
  "fd00:ec2::254",
  // Google Cloud: https://github.com/GoogleCloudPlatform/k8s-config-connector, `metadataHost`
  "fd20:ce::254",
  // Oracle Cloud: https://github.com/oracle/oci-python-sdk, instance_principals_security_token_signer.py
  "fd00:c1::a9fe:a9fe",
  // Alibaba Cloud: https://github.com/canonical/cloud-init/pull/6893
  "fd00:100::100:200",
  // Akamai: https://docs.cloud-init.io/en/latest/reference/datasources/akamai.html
  "fd00:a9fe:a9fe::1",
];

/** The addresses of the clouds' metadata services, as ranges of one address each. */
export const metadataRanges = metadataAddresses.map(rangeOf);

/** @returns those of the metadata addresses that are in a range, each as a range of its own; none for a range of one address */
export function metadataRangesIn(cidr: string): string[] {
  const [address = "", prefix] = cidr.split("/");
  const isIPv4 = isIP(address) === 4;
  const family = isIPv4 ? "ipv4" : "ipv6";
  const range = new BlockList();
  range.addSubnet(address, Number(prefix), family);
  return Number(prefix) === (isIPv4 ? 32 : 128)
    ? []
    : metadataAddresses.filter((one) => range.check(one, family)).map(rangeOf);
}

function rangeOf(address: string): string {
  return `${address}/${isIP(address) === 4 ? 32 : 128}`;
}
