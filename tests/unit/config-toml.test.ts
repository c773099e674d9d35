import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import { chartValues } from "../../components/chart-values.ts";
import { configToml, escapeTemplate } from "../../components/config-toml.ts";
import { jobSettings } from "../../components/settings/jobs.ts";
import { anyText } from "./config-arbitrary.ts";
import { renderConfigMap } from "./config-helm.ts";
import { someRelease } from "./some-release.ts";

const cache = { server: "minio:9000", bucket: "cache", region: "us-east-1", insecure: true };
const config = someRelease({ cache });

function onlyRunner(toml: string): Record<string, unknown> {
  // Through JSON, since the parser's tables have no prototype.
  const { runners } = JSON.parse(JSON.stringify(parse(toml))) as { runners: Record<string, unknown>[] };
  assert.equal(runners.length, 1);
  return runners[0] ?? {};
}

describe("configToml", () => {
  test("holds the default resources of build and helper", () => {
    assert.deepEqual(onlyRunner(configToml(config))["kubernetes"], {
      namespace: "ci",
      image: "alpine:latest",
      privileged: false,
      pull_policy: ["if-not-present"],
      service_account: "gitlab-runner-job",
      automount_service_account_token: false,
      cpu_request: "500m",
      cpu_limit: "2",
      memory_request: "512Mi",
      memory_limit: "2Gi",
      helper_cpu_request: "100m",
      helper_cpu_limit: "500m",
      helper_memory_request: "64Mi",
      helper_memory_limit: "256Mi",
    });
  });

  test("tells where the cache is, and holds no key to it", () => {
    const toml = configToml(config);
    assert.deepEqual(onlyRunner(toml)["cache"], {
      Type: "s3",
      Shared: true,
      s3: {
        ServerAddress: "minio:9000",
        BucketName: "cache",
        BucketLocation: "us-east-1",
        Insecure: true,
        AuthenticationType: "access-key",
      },
    });
    assert.doesNotMatch(toml, /^(AccessKey|SecretKey|token) *=/m);
    assert.equal(onlyRunner(configToml({ ...config, cache: undefined }))["cache"], undefined);
  });

  test("takes the helper's image from another registry", () => {
    const jobs = jobSettings.parse({ helperImage: "registry.example.com/helper:x86_64-v18.9.0" });
    const kubernetes = onlyRunner(configToml({ ...config, jobs }))["kubernetes"] as Record<string, unknown>;
    assert.equal(kubernetes["helper_image"], "registry.example.com/helper:x86_64-v18.9.0");
  });

  test("leaves tokens alone that only the stack can rotate", () => {
    assert.deepEqual(onlyRunner(configToml(config))["feature_flags"], { FF_DISABLE_AUTOMATIC_TOKEN_ROTATION: true });
  });

  test("places, labels and annotates job pods", () => {
    const jobs = jobSettings.parse({
      nodeSelector: { "kubernetes.io/hostname": "polycephala" },
      tolerations: [
        { key: "ci", operator: "Equal", value: "yes", effect: "NoSchedule" },
        { key: "spot", operator: "Exists" },
      ],
      podLabels: { team: "platform" },
    });
    const kubernetes = onlyRunner(configToml({ ...config, jobs, linkerd: true }))["kubernetes"] as Record<
      string,
      unknown
    >;
    assert.deepEqual(kubernetes["node_selector"], { "kubernetes.io/hostname": "polycephala" });
    assert.deepEqual(kubernetes["node_tolerations"], { "ci=yes": "NoSchedule", spot: "" });
    assert.deepEqual(kubernetes["pod_labels"], { "linkerd.io/inject": "enabled", team: "platform" });
    assert.deepEqual(kubernetes["pod_annotations"], {
      "linkerd.io/inject": "enabled",
      "config.alpha.linkerd.io/proxy-enable-native-sidecar": "true",
      "config.beta.linkerd.io/proxy-enable-native-sidecar": "true",
      "config.linkerd.io/proxy-enable-native-sidecar": "true",
    });
  });

  test("keeps Helm from reading braces as a template", () => {
    assert.equal(escapeTemplate("a {{ b }} c"), 'a {{ "{{" }} b }} c');
  });
});

/** Job settings with texts wherever any text may be. */
function settingsWith(texts: readonly string[]) {
  const named = (prefix: string) => Object.fromEntries(texts.map((text, index) => [`${prefix}${index}`, text]));
  return jobSettings.parse({
    environment: named("TEXT_"),
    podAnnotations: named("example.com/text-"),
    allowedImages: texts.map((text) => `image:${text}`),
    allowedServices: texts.map((text) => `${text}-service`),
    podSpec: [{ name: `patch ${texts[0] ?? ""}`, type: "merge", patch: { [`key ${texts[1] ?? ""}`]: texts } }],
  });
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
        const data = await renderConfigMap(chartValues({ ...config, jobs }));
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
    const { "config.template.toml": rendered = "" } = await renderConfigMap(chartValues({ ...config, jobs }));
    assert.deepEqual(textsIn(rendered), expected(jobs));
    assert.match(rendered, /^[\n\x20-\x7e]+$/, "more than ASCII, of which YAML takes some for line breaks");
  });
});
