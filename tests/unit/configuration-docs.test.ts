import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import {
  cacheSettings,
  chartSettings,
  jobSettings,
  managerSettings,
  networkPolicySettings,
} from "../../components/settings.ts";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/configuration.md"), "utf8");
const { config } = parse(readFileSync(join(root, "Pulumi.yaml"), "utf8")) as {
  config: Record<string, { description: string }>;
};

/** The keys in the first column of a table. */
function keysIn(table: string): string[] {
  return [...table.matchAll(/^\| (`[^|]*?`) *\|/gm)].flatMap(([, cell = ""]) =>
    cell.split(", ").map((key) => key.replaceAll("`", "")),
  );
}

describe("the configuration's documentation", () => {
  test("names every key at the top, and no other", () => {
    const [, section = ""] = /^# Configuration\n([^]*?)^## /m.exec(page) ?? [];
    assert.deepEqual(keysIn(section).toSorted(), Object.keys(config).toSorted());
  });

  for (const [object, schema] of Object.entries({
    cache: cacheSettings,
    manager: managerSettings,
    jobs: jobSettings,
    chart: chartSettings,
    networkPolicy: networkPolicySettings,
  })) {
    test(`names every key of ${object}, and no other, on its page and in Pulumi.yaml`, () => {
      const [, section = ""] = new RegExp(`^## \`${object}\`\n([^]*?)(?=^## |(?![^]))`, "m").exec(page) ?? [];
      assert.deepEqual(keysIn(section).toSorted(), Object.keys(schema.shape).toSorted());
      for (const key of Object.keys(schema.shape)) {
        assert.match(config[object]?.description ?? "", new RegExp(`\\b${key}\\b`), `${key} is not in Pulumi.yaml`);
      }
    });
  }
});
