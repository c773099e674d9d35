/** Text that replaces a secret. */
export const masked = "[masked]";

const secretNames = /^(?:token|.*[_-]token|password|authorization|certificate|.*secret.*)$/i;
const tokenShapes = /\b(?:glpat|glrtr|glrt|glcbt|GR1348941)-[\w.-]{8,}/g;

/** A copy in which the values of secret fields, and whatever looks like a GitLab token, are masked. */
export function maskSecrets(value: unknown): unknown {
  if (typeof value === "string") {
    return value.replace(tokenShapes, masked);
  }
  if (Array.isArray(value)) {
    return value.map(maskSecrets);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      secretNames.test(name) && typeof inner === "string" ? masked : maskSecrets(inner),
    ]),
  );
}
