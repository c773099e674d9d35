import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PhraseFilter } from "../../sandbox/manager/phrase-filter.ts";

function filtered(phrases: readonly string[], chunks: readonly string[]): string {
  const filter = new PhraseFilter(phrases, "[MASKED]");
  const parts = chunks.map((chunk) => filter.push(Buffer.from(chunk)));
  return Buffer.concat([...parts, filter.flush()]).toString();
}

test("a secret is masked wherever the stream is cut", () => {
  const text = "say hunter2 and hunter2!";
  for (let at = 0; at <= text.length; at += 1) {
    assert.equal(filtered(["hunter2"], [text.slice(0, at), text.slice(at)]), "say [MASKED] and [MASKED]!");
  }
});

test("of two secrets that begin alike, the longer one goes as a whole", () => {
  assert.equal(filtered(["abc", "abcdef"], ["x abc", "def abc"]), "x [MASKED] [MASKED]");
});

test("what cannot be the beginning of a secret is not held back", () => {
  assert.equal(new PhraseFilter(["hunter2"], "[MASKED]").push(Buffer.from("line\n")).toString(), "line\n");
});

test("property: no secret passes, and all else does", () => {
  const letters = fc.constantFrom("a", "b", "c");
  const word = fc.array(letters, { minLength: 2, maxLength: 4 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 3 }),
      fc.array(fc.string({ unit: letters })),
      (secrets, chunks) => {
        const result = filtered(secrets, chunks);
        for (const part of result.split("[MASKED]")) {
          for (const secret of secrets) {
            assert.ok(!part.includes(secret));
          }
        }
        if (!result.includes("[MASKED]")) {
          assert.equal(result, chunks.join(""));
        }
      },
    ),
  );
});
