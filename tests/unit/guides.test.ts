import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { marked } from "marked";
import { repository } from "../../tools/repository.ts";
import { allGuides, escaped, missingLine, parseGuide } from "../integration/guides/guide.ts";

/** Commands in running text that other tests run. */
const testedElsewhere = new Set([
  "npm run sandbox -- up --stack examples/Pulumi.hardened.yaml", // tests/integration/examples.test.ts
  "npm run soak", // tests/integration/soak.test.ts: a sample of it
  "npm run soak -- --only faults --seed 2", // the same
  "npm run sandbox -- up --published", // tests/integration/sandbox.test.ts
  "npm run status -- --stack production", // tests/integration/status.test.ts
  "npm run --silent", // tests/unit/doctor.test.ts: npm's own lines are not the doctor's
  "kubectl auth can-i --as", // tests/integration/doctor.test.ts
  "pulumi up --refresh", // the same
  "pulumi preview --refresh", // tests/integration/doctor-fix.test.ts, as the next ones
  "pulumi cancel",
  "helm rollback",
  "helm uninstall",
]);

describe("the guides", () => {
  const guides = allGuides();
  const lines = guides.flatMap(({ steps }) => steps.flatMap(({ commands }) => commands.split("\n")));
  const isRun = (mention: string) => {
    const words = mention.split(" ").map(escaped);
    const pattern = new RegExp(`(^|\\s)${words.join("\\s(.*\\s)?")}(\\s|$)`);
    return lines.some((line) => pattern.test(line));
  };

  for (const { path, links, mentions } of guides) {
    test(`${path}: links lead to what is there`, () => {
      for (const link of links) {
        const [file = "", anchor] = link.split("#");
        const target = file === "" ? path : join(dirname(path), file);
        assert.ok(existsSync(join(repository, target)), link);
        if (anchor !== undefined) {
          assert.ok(anchorsIn(readFileSync(join(repository, target), "utf8")).includes(anchor), link);
        }
      }
    });

    // CONTRIBUTING is about the tests themselves.
    if (path !== "CONTRIBUTING.md") {
      test(`${path}: commands in the running text are in a block somewhere, and so are run`, () => {
        const isPlaceholder = (mention: string) => /\b[A-Z]{3,}\b/.test(mention.replace(/^\w+=\S+ /, ""));
        const unknown = mentions.filter((each) => !isPlaceholder(each) && !isRun(each) && !testedElsewhere.has(each));
        assert.deepEqual(unknown, []);
      });
    }
  }

  test("are read block by block, and what cannot be checked is refused", () => {
    const text = [
      "# Title",
      "```text\nseen\n```",
      "## First\nSee `kubectl get pods` and [this](other.md#there).",
      "```sh fails\nfalse\n```",
      "```text\n…no\n```",
      "1. In a list:\n\n   ```sh\n   true\n   ```",
    ].join("\n\n");
    const { steps, symptoms, mentions, links } = parseGuide("page.md", text);
    assert.deepEqual(steps, [
      { section: "First", commands: "false", marks: ["fails"], prints: "…no" },
      { section: "First", commands: "true", marks: [], prints: undefined },
    ]);
    assert.deepEqual([...symptoms], [["Title", "seen"]]);
    assert.deepEqual([mentions, links], [["kubectl get pods"], ["other.md#there"]]);
    assert.throws(() => parseGuide("page.md", "```\nnothing\n```"), /page\.md.*neither commands/);
    assert.throws(() => parseGuide("page.md", "```bash\ntrue\n```"), /neither commands/);
    assert.throws(() => parseGuide("page.md", "```sh later\ntrue\n```"), /marked later/);
  });

  test("are compared line by line", () => {
    const printed = "NAME   AGE\npod-1  5s\n\nUpdating\n\r\u001B[0Kdone.\n";
    assert.equal(missingLine("NAME AGE\npod-… …s\n…\n…done.", printed), undefined);
    assert.equal(missingLine("pod-1 5s\nNAME AGE", printed), "NAME AGE", "in this order");
    assert.equal(missingLine("pod", printed), "pod", "a whole line");
    assert.equal(missingLine("done", printed), "done");
    assert.equal(missingLine("Updating.", printed), "Updating.", "a dot is a dot");
  });
});

/** The anchors that GitLab and GitHub give a page's headings. */
function anchorsIn(text: string): string[] {
  return marked
    .lexer(text)
    .filter(({ type }) => type === "heading")
    .map((token) =>
      ("text" in token ? String(token.text) : "")
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(/\s/g, "-"),
    );
}
