import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { renderTrace } from "../../tools/status/web/trace.ts";

/** The lines as text. */
function text(trace: string): string[] {
  return renderTrace(trace).lines.map((spans) => spans.map((span) => span.text).join(""));
}

/** The spans of the only line. */
function spans(trace: string): [string, string][] {
  const { lines } = renderTrace(trace);
  assert.equal(lines.length, 1);
  return (lines[0] ?? []).map((span) => [span.text, span.style]);
}

test("colours become class names", () => {
  assert.deepEqual(spans("a\u001B[31mb\u001B[0mc"), [
    ["a", ""],
    ["b", "fg-red"],
    ["c", ""],
  ]);
  assert.deepEqual(spans("\u001B[0;33mwarning\u001B[0;m"), [["warning", "fg-yellow"]]);
  assert.deepEqual(spans("\u001B[97;42mx\u001B[39my\u001B[49mz"), [
    ["x", "fg-bright-white bg-green"],
    ["y", "bg-green"],
    ["z", ""],
  ]);
  assert.deepEqual(spans("\u001B[38;5;9ma\u001B[38;5;196mb\u001B[48;2;0;0;180mc\u001B[38;5;244md"), [
    ["a", "fg-bright-red"],
    ["b", "fg-red"],
    ["c", "fg-red bg-blue"],
    ["d", "fg-bright-black bg-blue"],
  ]);
});

test("decorations end where they are told to", () => {
  assert.deepEqual(spans("\u001B[1;2;3ma\u001B[22mb\u001B[4;9;23mc\u001B[24;29md\u001B[me"), [
    ["a", "bold dim italic"],
    ["b", "italic"],
    ["c", "underline strikethrough"],
    ["d", ""],
    ["e", ""],
  ]);
});

test("a colour goes on in the next line", () => {
  assert.deepEqual(renderTrace("\u001B[32;1mone\ntwo\u001B[0m\nthree\n").lines, [
    [{ text: "one", style: "fg-green bold" }],
    [{ text: "two", style: "fg-green bold" }],
    [{ text: "three", style: "" }],
  ]);
});

test("section markers are not shown, nor a line that holds nothing else", () => {
  const trace =
    "section_start:1795509810:prepare_script[collapsed=true]\r\u001B[0K\u001B[0K\u001B[36;1mPreparing\u001B[0;m\n" +
    "ready\n" +
    "section_end:1795509810:prepare_script\r\u001B[0Ksection_start:1795509811:step_script\r\u001B[0KRunning\n" +
    "\n" +
    "section_end:1795509812:step_script\r\u001B[0K\n" +
    "Job succeeded\n";
  assert.deepEqual(text(trace), ["Preparing", "ready", "Running", "", "Job succeeded"]);
});

test("what a carriage return overwrites is not there, but its colour stays", () => {
  assert.deepEqual(text("10 %\r50 %\r100 %\r\ndone\r\n"), ["100 %", "done"]);
  assert.deepEqual(spans("\u001B[33mold\rnew"), [["new", "fg-yellow"]]);
  assert.deepEqual(text("kept\r\u001B[K"), ["kept"]);
});

test("the timestamps of newer runners are not shown, and what they split is whole", () => {
  const trace =
    "2026-11-24T08:43:31.267000Z 00O section_start:1795509810:x\r\u001B[0K\n" +
    "2026-11-24T08:43:31.267000Z 00O first half, \n" +
    "2026-11-24T08:43:31.267000Z 00O+second half\n" +
    "2026-11-24T08:43:31.267000Z 01E error\n";
  assert.deepEqual(text(trace), ["first half, second half", "error"]);
});

test("other escape sequences and control characters go", () => {
  const link = "\u001B]8;;https://example.com\u001B\\a link\u001B]8;;\u0007";
  assert.deepEqual(text(`\u001B[2J\u001B[1;1H\u001B[?25lx${link}\u001B(By\u0007\u0000\u009B\u001B7\tz\u001B`), [
    "xa link" + "y\tz",
  ]);
  assert.deepEqual(text("\u001B]0;a title that never ends\nnext"), ["", "next"]);
});

test("markup stays text", () => {
  const line = `<script>alert(1)</script><img src=x onerror="alert(2)"> &amp; \${x}`;
  assert.deepEqual(spans(line), [[line, ""]]);
});

test("an empty trace has no line", () => {
  assert.deepEqual(renderTrace(""), { lines: [], omitted: 0 });
});

test("of a long trace it is the end, and it tells how much is missing", () => {
  const many = renderTrace(Array.from({ length: 2_500 }, (_, index) => `line ${index + 1}\n`).join(""));
  assert.equal(many.lines.length, 2_000);
  assert.equal(many.omitted, 500);
  assert.equal(many.lines[0]?.[0]?.text, "line 501");
  const large = renderTrace(`${"x".repeat(99)}\n`.repeat(20_000));
  assert.equal(large.lines.length + large.omitted, 20_000);
});

test("any text stays as it is, and any bytes give text without control characters", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 }).filter((line) => !/[\p{Cc}]|section_/u.test(line))), (lines) => {
      assert.deepEqual(text(lines.join("\n")), lines);
    }),
  );
  const pieces = fc.constantFrom(
    "\u001B",
    "[",
    "]",
    "0;",
    "38;5;",
    "m",
    "\r",
    "\n",
    "x",
    "\u0007",
    "section_end:1:a\r",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string())), (parts) => {
      for (const span of renderTrace(parts.join("")).lines.flat()) {
        assert.doesNotMatch(span.text, /(?!\t)\p{Cc}/u);
        assert.match(span.style, /^[a-z -]*$/);
      }
    }),
  );
});
