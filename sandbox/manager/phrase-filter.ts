/**
 * Replaces phrases in a stream of bytes, also where one is cut in two by chunks. It holds back only what may be the
 * beginning of a phrase.
 */
export class PhraseFilter {
  readonly #phrases: readonly Buffer[];
  readonly #replacement: Buffer;
  #held = Buffer.alloc(0);

  /** @param phrases - what to replace; empty ones are ignored, and the longest that fits is taken. */
  constructor(phrases: readonly string[], replacement: string) {
    this.#phrases = [...new Set(phrases)]
      .filter((phrase) => phrase !== "")
      .map((phrase) => Buffer.from(phrase))
      .sort((a, b) => b.length - a.length);
    this.#replacement = Buffer.from(replacement);
  }

  /** The part of everything so far that is settled and was not returned yet. */
  push(chunk: Uint8Array): Buffer {
    return this.#replace(Buffer.concat([this.#held, chunk]), false);
  }

  /** What was held back, once nothing more comes. */
  flush(): Buffer {
    return this.#replace(this.#held, true);
  }

  #replace(bytes: Buffer, last: boolean): Buffer {
    const out: Buffer[] = [];
    const unsettled = last ? bytes.length : bytes.length - partialLength(bytes, this.#phrases);
    let position = 0;
    let match = this.#first(bytes, position);
    // A match that reaches into what may be the beginning of another phrase waits, too: it may be part of a longer one.
    while (match !== undefined && match.at + match.length <= unsettled) {
      out.push(bytes.subarray(position, match.at), this.#replacement);
      position = match.at + match.length;
      match = this.#first(bytes, position);
    }
    const settled = Math.max(position, Math.min(unsettled, match?.at ?? unsettled));
    out.push(bytes.subarray(position, settled));
    this.#held = Buffer.from(bytes.subarray(settled));
    return Buffer.concat(out);
  }

  #first(bytes: Buffer, from: number): { at: number; length: number } | undefined {
    let best: { at: number; length: number } | undefined;
    for (const phrase of this.#phrases) {
      const at = bytes.indexOf(phrase, from);
      if (at >= 0 && (best === undefined || at < best.at)) {
        best = { at, length: phrase.length };
      }
    }
    return best;
  }
}

/** Length of the longest end of `bytes` that a phrase begins with, short of the whole phrase. */
export function partialLength(bytes: Buffer, phrases: readonly Buffer[]): number {
  let longest = 0;
  for (const phrase of phrases) {
    for (let length = Math.min(phrase.length - 1, bytes.length); length > longest; length -= 1) {
      if (bytes.subarray(bytes.length - length).equals(phrase.subarray(0, length))) {
        longest = length;
      }
    }
  }
  return longest;
}
