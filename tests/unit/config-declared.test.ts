import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { inArguments, keysAt } from "../../components/config/stack-keys.ts";
import { accepts, exampleAt, hintAt, standInAt, takesText } from "../../components/settings/lookup.ts";
import { dotted, type Path } from "../../components/settings/path.ts";
import { assertFixes } from "./config-fixes.ts";
import { declaredPaths, findMessage, messageOf, problemsIn, type StackFile } from "./config-reading.ts";
import { deploy } from "./mock-engine.ts";

/** Values of every kind; at most one or two are right for a setting. */
const someValues = ["s3cr3t-text", "", 5, -7.5, true, null, ["s3cr3t-text"], [[5]], { "s3 cr3t": "s3cr3t-text" }];

/** A configuration with a value at a path. */
function fileWith(path: Path, value: unknown, secrets: readonly string[] = []): StackFile {
  const own = path.reduceRight((inner, part) => (typeof part === "number" ? [inner] : { [part]: inner }), value);
  return { values: { projectId: 1, ...(own as object) }, secrets };
}

/** @returns those of the values that a setting must not have */
function wrongValues(path: Path): unknown[] {
  const own = inArguments(path);
  const isTop = path.length === 1;
  // Where text is due, a stack's value is taken for text, whatever it looks like.
  const values = isTop && takesText(own) ? someValues.map((value) => asText(value)) : someValues;
  return values.filter((value) => !accepts(own, value) && !(isTop && isDeepStrictEqual(value, standInAt(own))));
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** @returns the words for the kind of value that is right at a path, in a message on one of another kind */
function rightKind(path: Path, wrong: unknown): RegExp {
  const own = inArguments(path);
  if (accepts(own, true)) {
    return /must be true/;
  }
  if (keysAt(path) !== undefined) {
    return /an object with keys/;
  }
  if (Array.isArray(exampleAt(own))) {
    return /must be a list|must not be empty/;
  }
  if (accepts(own, 12_345)) {
    return /must be (a|an|the) .*(number|amount|quantity|id)\b/;
  }
  return takesText(own) && typeof wrong !== "string" ? /must be text/ : /must (be|not be|have) /;
}

describe("each setting", { timeout: 60_000 }, () => {
  before(async () => {
    await deploy(() => undefined); // Names project and stack.
  });

  for (const path of declaredPaths) {
    const key = dotted(path);
    const top = String(path[0]);
    const isNamed = (problem: string) => problem.startsWith(key) && /^[:.[]/.test(problem.slice(key.length));

    test(`${key} is refused with a value of a wrong kind, with what would be right and a command that fixes it`, () => {
      for (const value of wrongValues(path)) {
        for (const secrets of [[], [top]]) {
          const file = fileWith(path, value, secrets);
          const message = messageOf(file.values, secrets);
          const named = problemsIn(message).filter(({ problem }) => isNamed(problem));
          assert.notDeepEqual(named, [], `${key} is not named for ${JSON.stringify(value)}: ${message}`);
          for (const { problem, fix } of named) {
            const isInside = !problem.startsWith(`${key}: `);
            assert.match(problem, isInside ? /: (must |there is no such key)/ : rightKind(path, value));
            assertFixes({ problem, fix }, message, file);
          }
          if (secrets.length > 0 || hintAt(inArguments(path), "secret") !== undefined) {
            assert.doesNotMatch(message, /s3cr3t/);
          }
        }
      }
    });

    test(`${key} is what a key of nearly the same name is taken for`, () => {
      const wrong = [...path.slice(0, -1), `${String(path.at(-1))}X`];
      const file = fileWith(wrong, "s3cr3t-text");
      const message = messageOf(file.values);
      const named = problemsIn(message).filter(({ problem }) => problem.startsWith(`${dotted(wrong)}: `));
      assert.deepEqual(
        named.map(({ problem }) => problem),
        [`${dotted(wrong)}: there is no such key; did you mean ${key}?`],
      );
      for (const { problem, fix } of named) {
        assert.match(fix, /^pulumi config rm .* {4}\(keys there: /);
        assertFixes({ problem, fix }, message, file);
      }
      assert.doesNotMatch(message, /s3cr3t/);
    });
  }

  test("has a wrong value, but for those that are any text", () => {
    const anyText = declaredPaths.filter((path) => wrongValues(path).length === 0).map((path) => dotted(path));
    assert.deepEqual(anyText, ["description", "maintenanceNote", "rotation", "caCertificate"]);
    assert.equal(findMessage({ values: { projectId: 1, rotation: "any text" } }), undefined);
  });

  test("has a name of its own, unlike what every object of JavaScript has", () => {
    assert.equal(hintAt(["manager", "constructor"], "description"), undefined);
    assert.equal(accepts(["manager", "constructor"], 5), false);
  });
});
