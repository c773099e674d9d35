import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SecretSearch } from "./secrets-search.ts";

// All that is written differently somewhere: in URLs, JSON, and base64 with either alphabet.
const secret = 'a"b\\c+d/e=f&g?h<i>j ÿþ~0123456789';
const search = new SecretSearch({ key: secret });

describe("the search for secrets", () => {
  for (const [how, text] of [
    ["as it is", `--key ${secret} --more`],
    ["URL-encoded", `https://example.com/?key=${encodeURIComponent(secret)}&more`],
    [
      "URL-encoded",
      `https://example.com/?key=${encodeURIComponent(secret).replaceAll(/%../g, (one) => one.toLowerCase())}`,
    ],
    ["URL-encoded", new URLSearchParams({ key: secret, more: "1" }).toString()],
    ["as JSON", JSON.stringify({ key: secret })],
    [
      "as JSON",
      JSON.stringify(
        JSON.stringify({ key: secret })
          .replaceAll("<", "\\u003c")
          .replaceAll(">", "\\u003e")
          .replaceAll("&", "\\u0026"),
      ),
    ],
    ...["", "x", "xy", "xyz"].flatMap((before) =>
      ["", "x", "xy"].flatMap((after) => [
        ["as base64", Buffer.from(`${before}${secret}${after}`).toString("base64")] as const,
        ["as base64url", Buffer.from(`${before}${secret}${after}`).toString("base64url")] as const,
      ]),
    ),
  ] as const) {
    test(`finds one that is written ${how}: ${text.slice(0, 60)}`, () => {
      assert.deepEqual(search.find(`before ${text} after`), [`key ${how}`]);
    });
  }

  test("finds none where there is none, or only a part of it", () => {
    const base64 = Buffer.from(secret).toString("base64");
    for (const text of ["", secret.slice(1), secret.slice(0, -1), base64.slice(1), base64.slice(0, -4)]) {
      assert.deepEqual(search.find(text), []);
    }
  });

  test("refuses a secret that is too short to be told from other text", () => {
    assert.throws(() => new SecretSearch({ key: "short" }), /^Error: key is too short/);
  });
});
