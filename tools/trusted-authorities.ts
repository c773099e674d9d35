import { readFileSync } from "node:fs";
import tls from "node:tls";

/**
 * Lets this process trust the CAs that a stack trusts. The cluster's CA is in the kubeconfig.
 * @param certificates as PEM; those that are undefined are passed over
 */
export function trustAuthorities(certificates: readonly (string | undefined)[]): void {
  const given = certificates.filter((certificate) => certificate !== undefined);
  if (given.length > 0) {
    tls.setDefaultCACertificates([...tls.getCACertificates("default"), ...given]);
  }
}

/** @returns the text of a file; undefined where there is none, so that the connection fails and says why */
export function readIfThere(file: string | undefined): string | undefined {
  try {
    return file === undefined ? undefined : readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
