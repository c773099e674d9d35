/** Powers of 10 that the suffixes of a Kubernetes quantity stand for. */
const decimalExponents: Readonly<Record<string, number>> = { m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };

/** Powers of 2 that the binary suffixes stand for. */
const binaryExponents: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };

const quantity = /^(?<number>\d+(?:\.\d*)?|\.\d+)(?:(?<suffix>[a-zA-Z]{0,2})|[eE](?<exponent>[+-]?\d{1,2}))$/;

/**
 * Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 * @returns the value of a Kubernetes quantity, such as `500m` or `2Gi`; undefined if it is invalid or negative
 */
export function parseQuantity(text: string): number | undefined {
  const { number, suffix = "", exponent } = quantity.exec(text)?.groups ?? {};
  const power = exponent === undefined ? decimalExponents[suffix] : Number(exponent);
  if (number === undefined) {
    return undefined;
  }
  if (power !== undefined) {
    // Parsed as text, since a factor such as 0.001 is not exact, and 700m would be more than 0.7.
    return Number(`${number}e${power}`);
  }
  const binaryPower = binaryExponents[suffix];
  return binaryPower === undefined ? undefined : Number(number) * 2 ** binaryPower;
}

/** @returns an amount as a Kubernetes quantity that is no smaller: `16Gi`, `12` or `2500m` */
export function formatQuantity(amount: number): string {
  // Sums of fractions are inexact: 0.1 + 0.2.
  const exact = Number(amount.toPrecision(15));
  const [suffix, power] =
    Object.entries(binaryExponents).findLast(([, power]) => exact >= 2 ** power && exact % 2 ** power === 0) ?? [];
  if (suffix !== undefined && power !== undefined) {
    return `${exact / 2 ** power}${suffix}`;
  }
  return Number.isInteger(exact) ? String(exact) : `${Math.ceil(Number((exact * 1000).toPrecision(15)))}m`;
}
