import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parse } from "smol-toml";
import { configToml, escapeTemplate } from "../../components/config-toml.ts";
import { chartSettings } from "../../components/settings/chart.ts";
import { jobSettings } from "../../components/settings/jobs.ts";
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

  for (const [version, setting] of [
    ["0.87.0", undefined],
    ["0.88.0", { type: "RuntimeDefault" }],
  ] as const) {
    test(`gives restricted pods of chart ${version} a seccomp profile in the way that its runner knows`, () => {
      const chart = chartSettings.parse({ version });
      const runner = onlyRunner(configToml({ ...config, podSecurity: "restricted", chart }));
      const { pod_security_context: context, pod_spec: patches } = runner["kubernetes"] as {
        pod_security_context: Record<string, unknown>;
        pod_spec?: { patch: string }[];
      };
      assert.deepEqual(context["seccomp_profile"], setting);
      assert.deepEqual(
        patches?.map(({ patch }) => JSON.parse(patch) as unknown),
        setting === undefined ? [{ securityContext: { seccompProfile: { type: "RuntimeDefault" } } }] : undefined,
      );
    });
  }

  test("keeps Helm from reading braces as a template", () => {
    assert.equal(escapeTemplate("a {{ b }} c"), 'a {{ "{{" }} b }} c');
  });
});
