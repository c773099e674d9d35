/** GitLab's tokens by their prefixes; see https://docs.gitlab.com/security/tokens/#token-prefixes */
const gitlabToken = /\b(gl(rtr?|pat|ptt|dt|cbt|ft|soat|agent|oas|imt|ffct|wt)-|GR1348941)[\w.-]{10,}/g;

/** What is a secret by its looks: GitLab's tokens, a ServiceAccount's or another signed one, Pulumi Cloud's, private keys. */
const shapes = [
  gitlabToken,
  /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+/g,
  /\bpul-[0-9a-f]{40}\b/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+-----END [A-Z ]*PRIVATE KEY-----/g,
];

/** Shorter secrets would also match ordinary words. */
const shortest = 8;

/** Masks secrets in texts: those that were added, and whatever looks like one. */
export class Masker {
  readonly #secrets = new Set<string>();

  /** Remembers a secret: as it is, in one line as messages have it, in JSON, in a URL, and in base64, whatever is before it there. */
  add(...secrets: readonly (string | undefined)[]): void {
    for (const secret of secrets) {
      const text = secret?.trim() ?? "";
      if (text.length >= shortest) {
        const forms = [
          text,
          text.replaceAll(/\s+/g, " "),
          JSON.stringify(text).slice(1, -1),
          encodeURIComponent(text.toWellFormed()),
          Buffer.from(secret ?? "").toString("base64"),
          ...base64Within(text),
        ];
        forms.forEach((form) => this.#secrets.add(form));
      }
    }
  }

  /** @returns the text with `[secret]` in place of each */
  mask(text: string): string {
    // The longest first, since one may contain another.
    const secrets = [...this.#secrets].toSorted((a, b) => b.length - a.length);
    return shapes.reduce(
      (masked, shape) => masked.replaceAll(shape, "[secret]"),
      secrets.reduce((masked, secret) => masked.replaceAll(secret, "[secret]"), text),
    );
  }
}

/** What a longer text in base64 has of a secret, as in `user:password`: three forms, by how many bytes are before it. */
function base64Within(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((before) => {
    // Six bits are a character; those at the ends also have bits of something else.
    const [start, end] = [Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6)];
    const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
    return [shifted.toString("base64"), shifted.toString("base64url")].map((form) => form.slice(start, end));
  });
}
