import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { noteBody, noteMarker } from "../../tools/preview-note.ts";

const preview = `Previewing update (homelab):
  ~ gitlab:index/userRunner:UserRunner: (update)
  ~ tagLists: [ + "gpu" ]
Resources:
    + 1 to create
    ~ 2 to update
    3 changes. 22 unchanged
`;
const note = { stack: "homelab", preview, failed: false, pipelineUrl: "https://gitlab.example.com/a/b/-/pipelines/7" };

describe("noteBody", () => {
  test("begins with what finds it again, tells the counts, and holds the whole preview", () => {
    const body = noteBody(note);
    assert.ok(body.startsWith(noteMarker("homelab")));
    assert.match(body, /### Pulumi preview of `homelab`: \+ 1 to create, ~ 2 to update\n/);
    assert.ok(body.includes(`\`\`\`diff\n${preview.trimEnd()}\n\`\`\``));
    assert.match(body, /\[the pipeline\]\(https:\/\/gitlab\.example\.com\/a\/b\/-\/pipelines\/7\)/);
  });

  test("says so when nothing would change, and when the preview has failed", () => {
    assert.match(noteBody({ ...note, preview: "Resources:\n    25 unchanged\n" }), /homelab`: no changes\n/);
    assert.match(noteBody({ ...note, failed: true }), /homelab`: failed\n/);
  });

  test("keeps what looks like the end of a code block inside of it", () => {
    const body = noteBody({ ...note, preview: "a\n````\nb" });
    assert.ok(body.includes("`````diff\na\n````\nb\n`````"));
  });

  test("cuts off what no one would read", () => {
    const body = noteBody({ ...note, preview: "x".repeat(200_000) });
    assert.ok(body.length < 70_000);
    assert.match(body, /… \(cut off\)/);
  });
});
