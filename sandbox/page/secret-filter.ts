import { masked, maskSecrets } from "../gitlab/masking.ts";

/**
 * Masks what looks like a GitLab token, and the given secrets. What the page shows comes without secrets already; this is
 * for what a job prints that nobody masked, and for the messages of errors.
 */
export function secretFilter(secrets: readonly string[]): (text: string) => string {
  const worthwhile = secrets.filter((secret) => secret.length >= 8).sort((a, b) => b.length - a.length);
  return (text) =>
    worthwhile.reduce((result, secret) => result.replaceAll(secret, masked), maskSecrets(text) as string);
}
