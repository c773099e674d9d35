/**
 * Factors that the suffixes of a Kubernetes quantity stand for.
 * Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
const factors: Readonly<Record<string, number>> = {
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** @returns what a Kubernetes quantity, such as `500m` or `2Gi`, amounts to; undefined where it is none, or less than 0 */
export function parseQuantity(text: string): number | undefined {
  const { number = "", suffix = "" } = /^(?<number>\d+(?:\.\d*)?|\.\d+)(?<suffix>[a-zA-Z]*)$/.exec(text)?.groups ?? {};
  const factor = factors[suffix];
  return number === "" || factor === undefined ? undefined : Number(number) * factor;
}
