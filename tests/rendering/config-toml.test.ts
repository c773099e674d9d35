import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import { chartValues } from "../../components/chart-values.ts";
import { jobSettings } from "../../components/settings/jobs.ts";
import { anyText } from "../unit/config-arbitrary.ts";
import { someRelease } from "../unit/some-release.ts";
import { renderConfigMap } from "./rendered-config-map.ts";

function onlyRunner(toml: string): Record<string, unknown> {
  // Through JSON, since the parser's tables have no prototype.
  const { runners } = JSON.parse(JSON.stringify(parse(toml))) as { runners: Record<string, unknown>[] };
  assert.equal(runners.length, 1);
  return runners[0] ?? {};
}

/** Job settings with texts wherever text may be, also where another would be refused. */
function settingsWith(texts: readonly string[]) {
  const named = (prefix: string) => Object.fromEntries(texts.map((text, index) => [`${prefix}${index}`, text]));
  return {
    ...jobSettings.parse({}),
    environment: named("TEXT_"),
    podAnnotations: named("example.com/text-"),
    allowedImages: texts.map((text) => `image:${text}`),
    allowedServices: texts.map((text) => `${text}-service`),
    podSpec: [
      { name: `patch ${texts[0] ?? ""}`, type: "merge" as const, patch: { [`key ${texts[1] ?? ""}`]: [...texts] } },
    ],
  };
}

/** What of it the runner reads. */
function textsIn(toml: string) {
  const { environment, kubernetes } = onlyRunner(toml) as {
    environment: string[];
    kubernetes: {
      pod_annotations: Record<string, string>;
      allowed_images: string[];
      allowed_services: string[];
      pod_spec: { name: string; patch_type: string; patch: string }[];
    };
  };
  return {
    environment: Object.fromEntries(
      environment.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    ) as Record<string, string>,
    podAnnotations: kubernetes.pod_annotations,
    allowedImages: kubernetes.allowed_images,
    allowedServices: kubernetes.allowed_services,
    podSpec: kubernetes.pod_spec.map(({ name, patch_type, patch }) => ({
      name,
      type: patch_type,
      patch: JSON.parse(patch) as unknown,
    })),
  };
}

function expected(jobs: ReturnType<typeof settingsWith>) {
  const { environment, podAnnotations, allowedImages, allowedServices, podSpec } = jobs;
  return { environment, podAnnotations, allowedImages, allowedServices, podSpec };
}

describe("configToml, rendered by Helm", { timeout: 120_000 }, () => {
  test("brings any text to the runner unchanged", async () => {
    const batch = fc.array(anyText, { minLength: 40, maxLength: 60, size: "max" });
    await fc.assert(
      fc.asyncProperty(batch, async (texts) => {
        const jobs = settingsWith(texts);
        const data = await renderConfigMap(chartValues(someRelease({ jobs })));
        const { "config.template.toml": rendered = "" } = data;
        assert.deepEqual(textsIn(rendered), expected(jobs));
      }),
      { numRuns: 50, endOnFailure: true },
    );
  });

  test("brings each of these to the runner unchanged", async () => {
    const texts = [
      ...[
        "{{",
        "}}",
        "{{{",
        "{{{{",
        "{{ .Values.runners.secret }}",
        '{{ "{{" }}',
        "{{- /* x */ -}}",
        "{{`{{`}}",
        "{ {",
      ],
      ...[
        '"',
        '"""',
        "'",
        "\\",
        "\\\\n",
        "\\u0041",
        "\\{{",
        "a\nb",
        "\n",
        "\r\n",
        "\r",
        "\t",
        " ",
        "  two  ",
        "\n\n- x\n",
      ],
      ...["\0", "\u0001", "\u001b[0m", "\u007f", "\u0085", "\u00a0", "\u2028", "\u2029", "\ufeff", "\ufffd", "\uffff"],
      ...[
        "ä",
        "a\u0308",
        "日本語",
        "😀",
        "👩‍👩‍👧",
        "\u{10ffff}",
        "$HOME",
        "${X}",
        "`id`",
        "# no comment",
        "[[runners]]",
        "---",
        "x: y",
      ],
    ];
    const jobs = settingsWith(texts);
    const { "config.template.toml": rendered = "" } = await renderConfigMap(chartValues(someRelease({ jobs })));
    assert.deepEqual(textsIn(rendered), expected(jobs));
    assert.match(rendered, /^[\n\x20-\x7e]+$/, "more than ASCII, of which YAML takes some for line breaks");
  });
});
