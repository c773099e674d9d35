import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatQuantity, parseQuantity } from "../../components/quantity.ts";

const decimal = { m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 } as const;
const binary = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n } as const;
const suffixes = <Suffix extends string>(of: Record<Suffix, unknown>) =>
  fc.constantFrom(...(Object.keys(of) as Suffix[]));

describe("parseQuantity", () => {
  for (const [text, amount] of [
    ["0", 0],
    ["2", 2],
    ["0.5", 0.5],
    [".5", 0.5],
    ["5.", 5],
    ["007", 7],
    ["500m", 0.5],
    ["700m", 0.7],
    ["1.5k", 1500],
    ["512Mi", 536870912],
    ["1.5Gi", 1610612736],
    ["1G", 1e9],
    ["1E", 1e18],
    ["1e3", 1000],
    ["1E3", 1000],
    ["1.5e-3", 0.0015],
    ["12E+2", 1200],
  ] as const) {
    test(`reads ${text}`, () => {
      assert.equal(parseQuantity(text), amount);
    });
  }

  for (const text of [
    ...["", " ", "5 Gi", " 5", "5\n", "Gi", ".", "-5", "1,5", "1.2.3", "0x10", "1e", "e3", "1e3Mi", "1e1.5", "1e400"],
    ...["5GB", "5gi", "5K", "5mi", "5 m", "five", "NaN", "Infinity", "5toString", "5constructor", "٥"],
  ]) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(parseQuantity(text), undefined);
    });
  }

  test("is exact, whichever way an amount is written", () => {
    fc.assert(
      fc.property(fc.nat(), suffixes(decimal), (number, suffix) => {
        assert.equal(parseQuantity(`${number}${suffix}`), Number(`${number}e${decimal[suffix]}`));
        assert.equal(parseQuantity(`${number}m`), number / 1000);
        assert.equal(parseQuantity(`${number}e3`), parseQuantity(`${number}k`));
      }),
    );
    fc.assert(
      fc.property(fc.nat(), suffixes(binary), (number, suffix) => {
        assert.equal(parseQuantity(`${number}${suffix}`), Number(BigInt(number) << binary[suffix]));
      }),
    );
  });

  test("orders amounts of different suffixes as Kubernetes does", () => {
    const written = ["1m", "999m", "1", "1k", "1Ki", "1M", "1Mi", "1G", "1Gi", "1T", "1Ti", "1P", "1Pi", "1E", "1Ei"];
    const amounts = written.map((text) => parseQuantity(text) ?? -1);
    assert.deepEqual(
      amounts.toSorted((one, other) => one - other),
      amounts,
    );
    assert.equal(new Set(amounts).size, amounts.length);
  });
});

describe("formatQuantity", () => {
  for (const [amount, text] of [
    [0, "0"],
    [12, "12"],
    [2.5, "2500m"],
    [0.1 + 0.2, "300m"],
    [3 * 0.7, "2100m"],
    [0.0001, "1m"],
    [1536 * 2 ** 20, "1536Mi"],
    [36 * 2 ** 30, "36Gi"],
    [1e9, "1000000000"],
  ] as const) {
    test(`writes ${text}`, () => {
      assert.equal(formatQuantity(amount), text);
    });
  }

  test("writes no less than the amount, but for what a sum of fractions is off", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e18, noNaN: true }), (amount) => {
        assert.ok((parseQuantity(formatQuantity(amount)) ?? 0) >= amount * (1 - 1e-14));
      }),
    );
  });
});
