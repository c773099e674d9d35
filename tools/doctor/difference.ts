/** @returns the entries that only the second list has, and those that only the first has, regardless of order */
export function difference(
  found: readonly string[],
  wanted: readonly string[],
): { readonly missing: string[]; readonly surplus: string[] } {
  return {
    missing: wanted.filter((item) => !found.includes(item)),
    surplus: found.filter((item) => !wanted.includes(item)),
  };
}
