import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RunnerNamespace } from "../../components/runner-namespace.ts";
import { deploy, valueOf } from "./mock-engine.ts";

const namespaceType = "kubernetes:core/v1:Namespace";

describe("RunnerNamespace", { timeout: 20_000 }, () => {
  test("holds its pods to the baseline level", async () => {
    const { one, all, result } = await deploy(() => new RunnerNamespace("namespace", { name: "gitlab-runner" }));
    assert.deepEqual(one(namespaceType).inputs["metadata"], {
      name: "gitlab-runner",
      labels: { "pod-security.kubernetes.io/enforce": "baseline" },
      annotations: {},
    });
    assert.deepEqual(all("kubernetes:core/v1:ResourceQuota"), []);
    assert.equal(await valueOf(result.name), "gitlab-runner");
  });

  test("asks Linkerd for injection by annotation, and keeps the label", async () => {
    const args = { name: "gitlab-runner", linkerd: true, podSecurity: "privileged" } as const;
    const { one } = await deploy(() => new RunnerNamespace("namespace", args));
    assert.deepEqual(one(namespaceType).inputs["metadata"], {
      name: "gitlab-runner",
      labels: { "pod-security.kubernetes.io/enforce": "privileged", "linkerd.io/inject": "enabled" },
      annotations: {
        "linkerd.io/inject": "enabled",
        "config.alpha.linkerd.io/proxy-enable-native-sidecar": "true",
        "config.beta.linkerd.io/proxy-enable-native-sidecar": "true",
        "config.linkerd.io/proxy-enable-native-sidecar": "true",
      },
    });
  });

  test("limits what all pods use together", async () => {
    const { one } = await deploy(
      () => new RunnerNamespace("namespace", { name: "ci", quota: { "requests.cpu": "8" } }),
    );
    assert.deepEqual(one("kubernetes:core/v1:ResourceQuota").inputs, {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "gitlab-runner", namespace: "ci" },
      spec: { hard: { "requests.cpu": "8" } },
    });
  });
});
