type Rgb = readonly [number, number, number];

/** The numbered colours of terminals, in order; any other colour is shown as the nearest of these. */
const colours: readonly (readonly [string, Rgb])[] = [
  ["black", [0, 0, 0]],
  ["red", [187, 0, 0]],
  ["green", [0, 187, 0]],
  ["yellow", [187, 187, 0]],
  ["blue", [0, 0, 187]],
  ["magenta", [187, 0, 187]],
  ["cyan", [0, 187, 187]],
  ["white", [187, 187, 187]],
  ["bright-black", [85, 85, 85]],
  ["bright-red", [255, 85, 85]],
  ["bright-green", [85, 255, 85]],
  ["bright-yellow", [255, 255, 85]],
  ["bright-blue", [85, 85, 255]],
  ["bright-magenta", [255, 85, 255]],
  ["bright-cyan", [85, 255, 255]],
  ["bright-white", [255, 255, 255]],
];

const decorations: Readonly<Record<number, string>> = {
  1: "bold",
  2: "dim",
  3: "italic",
  4: "underline",
  9: "strikethrough",
};

/** The decorations that each reset code ends. */
const ends: Readonly<Record<number, readonly string[]>> = {
  21: ["bold"],
  22: ["bold", "dim"],
  23: ["italic"],
  24: ["underline"],
  29: ["strikethrough"],
};

/** How text looks after the escape sequences so far: https://en.wikipedia.org/wiki/ANSI_escape_code#SGR */
export class AnsiStyle {
  #foreground: string | undefined;
  #background: string | undefined;
  readonly #decorations = new Set<string>();

  /** Class names such as `fg-red bold`, separated by spaces; none for plain text. */
  get classes(): string {
    return [
      ...(this.#foreground === undefined ? [] : [`fg-${this.#foreground}`]),
      ...(this.#background === undefined ? [] : [`bg-${this.#background}`]),
      ...this.#decorations,
    ].join(" ");
  }

  /** @param parameters - what is between `ESC [` and `m`, such as `32;1` */
  apply(parameters: string): void {
    const codes = parameters.split(";").map(Number);
    for (let code = codes.shift(); code !== undefined; code = codes.shift()) {
      const decoration = decorations[code];
      const ended = ends[code];
      if (code === 0) {
        this.#foreground = undefined;
        this.#background = undefined;
        this.#decorations.clear();
      } else if (decoration !== undefined) {
        this.#decorations.add(decoration);
      } else if (ended !== undefined) {
        for (const name of ended) {
          this.#decorations.delete(name);
        }
      } else if (code === 38 || code === 39 || (code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
        this.#foreground = colour(code, codes);
      } else if (code === 48 || code === 49 || (code >= 40 && code <= 47) || (code >= 100 && code <= 107)) {
        this.#background = colour(code - 10, codes);
      }
    }
  }
}

/** @param rest - codes that follow, from which the parameters of 38 are taken */
function colour(code: number, rest: number[]): string | undefined {
  if (code === 38) {
    const mode = rest.shift();
    if (mode === 5) {
      return fromPalette(rest.shift() ?? 0);
    }
    return mode === 2 ? nearest([rest.shift() ?? 0, rest.shift() ?? 0, rest.shift() ?? 0]) : undefined;
  }
  return code === 39 ? undefined : colours[code >= 90 ? code - 82 : code - 30]?.[0];
}

/** The palette of 256: the named ones, a cube of 6 x 6 x 6, and 24 greys. */
function fromPalette(index: number): string {
  const named = colours[index]?.[0];
  if (named !== undefined) {
    return named;
  }
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return nearest([grey, grey, grey]);
  }
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40);
  const place = index - 16;
  return nearest([level(Math.floor(place / 36)), level(Math.floor(place / 6) % 6), level(place % 6)]);
}

function nearest(wanted: Rgb): string {
  const distance = ([red, green, blue]: Rgb) =>
    (red - wanted[0]) ** 2 + (green - wanted[1]) ** 2 + (blue - wanted[2]) ** 2;
  const best = colours.reduce((a, b) => (distance(b[1]) < distance(a[1]) ? b : a));
  return best[0];
}
