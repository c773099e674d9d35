import { X509Certificate } from "node:crypto";

/** @returns the certificates in text, each as PEM, with the space behind it */
function pemsIn(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*/g) ?? [];
}

/** @returns text without all that is not a certificate as PEM */
export function certificatesIn(text: string): string {
  return pemsIn(text).join("");
}

/** Whether text is one or more certificates as PEM, without keys, comments, or other text that may hold a secret. */
export function areCertificates(text: string): boolean {
  const pems = pemsIn(text);
  try {
    return pems.map((pem) => new X509Certificate(pem)).length > 0 && pems.join("") === text.trimStart();
  } catch {
    return false;
  }
}
