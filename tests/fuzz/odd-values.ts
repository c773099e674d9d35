import fc from "fast-check";
import { anyText } from "../unit/text-arbitrary.ts";

/** Names that every object of JavaScript has, and other keys that programs stumble over. */
export const oddKeys = fc.constantFrom(
  ...["__proto__", "constructor", "prototype", "toString", "valueOf", "hasOwnProperty", "toJSON", "then", "length"],
  ...["", " ", ".", "0", "-1", "a.b", "a[0]", 'a"b', "a'b", "$ref", "<<", "\u0000", "\ud800", "é", "{{", "a\nb"],
);

/** Text that YAML, JSON, a number's parser, a shell, a path or a template takes for something else. */
const oddWords = fc.constantFrom(
  ...["NaN", "nan", ".nan", "Infinity", "-Infinity", ".inf", "-0", "0x1F", "0o17", "0b1", "1_000", "1e999", "-1e-999"],
  ...["null", "~", "true", "False", "yes", "off", "[]", "{}", "[", "{", '"', "'", "- a", "? a", "a: b", "%", "@", "`"],
  ...["!!js/function 'x'", "!!binary aGk=", "&a [*a]", "*a", "<<: *a", "|\n  a", ">-\n  a", "# a", "---", "...", "\t"],
  ...[
    "../../etc/passwd",
    "/dev/null",
    "C:\\",
    "file:///etc/passwd",
    "$(id)",
    "`id`",
    "${HOME}",
    "%s%n",
    "'; --",
    "-rf",
  ],
  ...[
    "http://",
    "https://[",
    "http://a:b@c",
    "https://a/api/v4",
    "http://a:99999",
    "://@",
    "//",
    "javascript:a",
    "a@b",
  ],
  ...["\ud800", "\udfff", "a\udc00b", "\u202e", "\ufeff", "\u0000", "\u001b[31m", "\r\n", "\u2028", "😀".repeat(90)],
  ...["2026-02-30", "2026-01-01T00:00:00Z", "1.2.3-", "v1.2.3", "1m", "1e3Mi", "9".repeat(400), "0.0000001"],
  ...["0.0.0.0/33", "::/129", "1.2.3.4/-1", "[::1]:0", "[::1", "a:0", "-----BEGIN CERTIFICATE-----"],
);

/** What regular expressions that try every way to split a text run into. */
const repeatedParts = fc.constantFrom(
  ...["a", "A", "0", ".", "-", ":", "/", "@", " ", "\n", "a.", "a-", "1:", "://", "/a", "{{", '"', "\\", "\u0000", "é"],
  ...["-----BEGIN CERTIFICATE-----\n", "a,", "%", "$", "=", "[", "(", "😀", "\ud800", "::1", "runner.gitlab.com/"],
);

/** @returns texts of up to about so many characters */
function longTexts(...lengths: readonly number[]): fc.Arbitrary<string> {
  const ends = fc.constantFrom("", "a", "/", ":", "!", "\n", " ", "@");
  return fc
    .tuple(ends, repeatedParts, fc.constantFrom(...lengths), ends)
    .map(([start, part, length, end]) => start + part.repeat(Math.ceil(length / part.length)) + end);
}

/** Text that is none of the usual, up to a million characters of it. */
export const oddTexts = fc.oneof(
  { weight: 30, arbitrary: oddWords },
  { weight: 20, arbitrary: anyText },
  { weight: 4, arbitrary: longTexts(70, 300, 1100, 20_000) },
  { weight: 1, arbitrary: longTexts(1_000_000) },
);

/** Numbers at the ends of their types, and beyond. */
export const oddNumbers = fc.oneof(
  fc.constantFrom(-0, 0, 1, -1, 0.5, 1e-7, 1e21, 1e308, Number.MAX_VALUE, Number.MIN_VALUE),
  fc.constantFrom(
    2 ** 53 - 1,
    1e15,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    2 ** 53 - 1,
    2 ** 53 - 1,
    2 ** 53,
    2 ** 63,
    2 ** 64,
  ),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const oddScalars = fc.oneof(
  { weight: 4, arbitrary: oddTexts },
  { weight: 3, arbitrary: oddNumbers },
  { weight: 1, arbitrary: fc.constantFrom(true, false, null) },
);

/** @returns a list in a list, or an object in an object, so many deep */
function nested(depth: number, isList: boolean, innermost: unknown): unknown {
  let value = innermost;
  for (let level = 0; level < depth; level += 1) {
    value = isList ? [value] : { a: value };
  }
  return value;
}

const deep = fc
  .tuple(fc.constantFrom(10, 100, 1_000, 3_000), fc.boolean(), fc.constantFrom(1, "a", null))
  .map(([depth, isList, innermost]) => nested(depth, isList, innermost));

const wide = fc.tuple(fc.constantFrom(60, 2_000, 20_000), fc.nat(2)).map(([count, kind]): unknown => {
  const names = Array.from({ length: count }, (_, index) => (kind === 0 ? `k${index}` : `k${index % 5}`));
  // Not more keys: Pulumi itself takes long for them.
  return kind === 2
    ? Object.fromEntries(names.slice(0, 2_000).map((name, index) => [`${name}-${index}`, index]))
    : names;
});

/**
 * Anything that JSON can say, the odd before the usual.
 * @param keys of objects
 */
export function oddJson(keys: fc.Arbitrary<string> = oddKeys): fc.Arbitrary<unknown> {
  // fc.dictionary sets `__proto__` as a property; JSON.parse does the same.
  const objects = (values: fc.Arbitrary<unknown>) => fc.dictionary(keys, values, { maxKeys: 4, noNullPrototype: true });
  const flat = fc.oneof(oddScalars, fc.array(oddScalars, { maxLength: 3 }), objects(oddScalars));
  return fc.oneof(
    { weight: 40, arbitrary: oddScalars },
    { weight: 15, arbitrary: fc.array(flat, { maxLength: 4 }) },
    { weight: 15, arbitrary: objects(flat) },
    { weight: 1, arbitrary: deep },
    { weight: 1, arbitrary: wide },
  );
}
