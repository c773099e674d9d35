import { randomInt } from "node:crypto";

/** Length and character set of a random text. */
export interface CharacterRules {
  /** Number of characters. */
  readonly length: number;
  readonly lower: boolean;
  readonly upper: boolean;
  readonly numeric: boolean;
  readonly special: boolean;
  readonly minLower: number;
  readonly minUpper: number;
  readonly minNumeric: number;
  readonly minSpecial: number;
  /** The special characters to use. @defaultValue the provider's default set */
  readonly overrideSpecial?: string | undefined;
}

const lowerCase = "abcdefghijklmnopqrstuvwxyz";
const digits = "0123456789";
const specialCharacters = "!@#$%&*()-_=+[]{}<>:?";

/** @returns a text from the system's cryptographic random numbers, uniform over characters and positions */
export function randomCharacters(rules: CharacterRules): string {
  const sets = [
    { enabled: rules.lower, minimum: rules.minLower, characters: lowerCase },
    { enabled: rules.upper, minimum: rules.minUpper, characters: lowerCase.toUpperCase() },
    { enabled: rules.numeric, minimum: rules.minNumeric, characters: digits },
    { enabled: rules.special, minimum: rules.minSpecial, characters: rules.overrideSpecial ?? specialCharacters },
  ];
  const all = sets.map(({ enabled, characters }) => (enabled ? characters : "")).join("");
  const chosen = sets.flatMap(({ minimum, characters }) => pick(minimum, characters));
  return shuffle([...chosen, ...pick(rules.length - chosen.length, all)]).join("");
}

function pick(count: number, characters: string): string[] {
  return Array.from({ length: count }, () => characters.charAt(randomInt(characters.length)));
}

/** Fisher-Yates shuffle. */
function shuffle(characters: readonly string[]): string[] {
  const shuffled: string[] = [];
  for (const character of characters) {
    const place = randomInt(shuffled.length + 1);
    const moved = shuffled[place];
    shuffled[place] = character;
    if (moved !== undefined) {
      shuffled.push(moved);
    }
  }
  return shuffled;
}
