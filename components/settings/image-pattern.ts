import { z } from "zod";

/** What stands for one character: an escaped one, or a class that is not empty. */
const character = /\\[^]|\[(?:[!^](?!\])|(?![!^\]]))(?:\\[^]|[^\\\]])*\]/g;

/**
 * Whether the runner's matcher takes a pattern; one that it does not take matches nothing, without a word.
 * Source: `ValidatePattern` in https://github.com/bmatcuk/doublestar/blob/master/validate.go
 */
export function isImagePattern(text: string): boolean {
  const rest = text.replaceAll(character, "");
  let depth = 0;
  for (const brace of rest.match(/[{}]/g) ?? []) {
    depth += brace === "{" ? 1 : -1;
    if (depth < 0) {
      return false;
    }
  }
  return depth === 0 && !/[\\[]/.test(rest);
}

/** A pattern of names of images, such as `registry.example.com/**`. */
export const imagePattern = z
  .string()
  .min(1)
  .refine(isImagePattern, "must be a pattern, with \\ before a bracket or brace that has no other");
