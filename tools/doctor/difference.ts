/** @returns what the second list has and the first has not, and the other way round; without regard to order */
export function difference(
  found: readonly string[],
  wanted: readonly string[],
): { readonly missing: string[]; readonly surplus: string[] } {
  return {
    missing: wanted.filter((item) => !found.includes(item)),
    surplus: found.filter((item) => !wanted.includes(item)),
  };
}
