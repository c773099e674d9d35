/** GitLab's tokens by their prefixes; see https://docs.gitlab.com/security/tokens/#token-prefixes */
const gitlabToken = /\b(gl(rtr?|pat|ptt|dt|cbt|ft|soat|agent|oas|imt|ffct|wt)-|GR1348941)[\w.-]{10,}/g;

/** Shorter secrets would also match ordinary words. */
const shortest = 8;

/** Masks secrets in texts: those that were added, and whatever looks like a GitLab token. */
export class Masker {
  readonly #secrets = new Set<string>();

  /** Remembers a secret: as it is, in one line as messages have it, and in base64. */
  add(...secrets: readonly (string | undefined)[]): void {
    for (const secret of secrets) {
      if (secret !== undefined && secret.trim().length >= shortest) {
        this.#secrets.add(secret.trim());
        this.#secrets.add(secret.trim().replaceAll(/\s+/g, " "));
        this.#secrets.add(Buffer.from(secret).toString("base64"));
      }
    }
  }

  /** @returns the text with `[secret]` in place of each */
  mask(text: string): string {
    // The longest first, since one may contain another.
    const secrets = [...this.#secrets].toSorted((a, b) => b.length - a.length);
    return secrets
      .reduce((masked, secret) => masked.replaceAll(secret, "[secret]"), text)
      .replaceAll(gitlabToken, "[secret]");
  }
}
