import { X509Certificate } from "node:crypto";

const certificate = "-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----\\s*";

/** @returns text without all that is not a certificate as PEM */
export function certificatesIn(text: string): string {
  return (text.match(new RegExp(certificate, "g")) ?? []).join("");
}

/** Whether text is one or more certificates as PEM, without keys, comments, or other text that may hold a secret. */
export function areCertificates(text: string): boolean {
  try {
    const certificates = text.match(new RegExp(certificate, "g")) ?? [];
    return certificates.map((pem) => new X509Certificate(pem)).length > 0 && certificatesIn(text) === text.trimStart();
  } catch {
    return false;
  }
}
