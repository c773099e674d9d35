/** A form of a secret that was found, such as `token as base64`. */
export type Finding = string;

/** Looks for secrets in texts: as they are, and in each form that a program may write them in. */
export class SecretSearch {
  readonly #forms = new Map<string, ReadonlyMap<string, string>>();

  /** @param secrets each by the name that findings have */
  constructor(secrets: Readonly<Record<string, string>>) {
    for (const [name, secret] of Object.entries(secrets)) {
      if (secret.length < 16) {
        throw new Error(`${name} is too short to be told from other text`);
      }
      this.#forms.set(name, formsOf(secret));
    }
  }

  /** How many secrets it looks for. */
  get count(): number {
    return this.#forms.size;
  }

  /** @returns what is in the text; never the secret itself */
  find(text: string): Finding[] {
    return Array.from(this.#forms).flatMap(([name, forms]) =>
      Array.from(forms)
        .filter(([form]) => text.includes(form))
        .map(([, how]) => `${name} ${how}`),
    );
  }
}

/** @returns each form of a secret, with how it is written */
export function formsOf(secret: string): ReadonlyMap<string, string> {
  const base64 = [0, 1, 2].map((offset) => base64Within(secret, offset));
  const percent = encodeURIComponent(secret);
  return new Map([
    ...base64.map((form) => [form.replaceAll("+", "-").replaceAll("/", "_"), "as base64url"] as const),
    ...base64.map((form) => [form, "as base64"] as const),
    [percent, "URL-encoded"],
    [percent.replaceAll(/%../g, (code) => code.toLowerCase()), "URL-encoded"],
    [new URLSearchParams({ "": secret }).toString().slice(1), "URL-encoded"],
    [JSON.stringify(secret).slice(1, -1), "as JSON"],
    // In JSON of Go, and in JSON within JSON.
    [goJson(secret), "as JSON"],
    [JSON.stringify(goJson(secret)).slice(1, -1), "as JSON"],
    // The last one wins, and most secrets have no character that the others would change.
    [secret, "as it is"],
  ]);
}

/** Base64 of text that begins `offset` bytes, of three, after a boundary; less what depends on the text around it. */
function base64Within(text: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]);
  const first = Math.ceil((offset * 8) / 6);
  const end = Math.floor((bytes.length * 8) / 6);
  return bytes.toString("base64").slice(first, end);
}

/** Go writes these characters of a text as escapes, too: https://pkg.go.dev/encoding/json#Marshal */
function goJson(secret: string): string {
  return JSON.stringify(secret)
    .slice(1, -1)
    .replaceAll(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}
