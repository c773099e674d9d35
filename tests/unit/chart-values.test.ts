import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { chartValues } from "../../components/chart-values.ts";
import { managerSettings } from "../../components/settings.ts";

interface ChartKeys {
  readonly keysInValuesYaml: Record<string, string>;
  readonly keysReadByTemplatesOnly: string[];
}

const known = JSON.parse(
  readFileSync(join(import.meta.dirname, "../fixtures/chart-0.86.0-values-keys.json"), "utf8"),
) as ChartKeys;
const knownKeys = new Set([...Object.keys(known.keysInValuesYaml), ...known.keysReadByTemplatesOnly]);

const values = chartValues({
  gitlabUrl: "https://gitlab.com",
  release: "gitlab-runner",
  managerAccount: "gitlab-runner",
  tokenSecret: "gitlab-runner-token",
  cacheSecret: "gitlab-runner-cache-credentials",
  credentialsChecksum: "0123",
  configToml: "[[runners]]",
  manager: managerSettings.parse({ nodeSelector: { "kubernetes.io/hostname": "polycephala" }, metrics: true }),
  certsSecret: "gitlab-runner-certificates",
  linkerd: true,
});

/** Keys with a dot between the levels, down to where the chart takes an object as it is. */
function keysOf(object: Record<string, unknown>, prefix = ""): string[] {
  return Object.entries(object).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    const opaque = ["resources", "nodeSelector", "podAnnotations", "podSecurityContext", "affinity"].includes(path);
    return typeof value === "object" && value !== null && !Array.isArray(value) && !opaque
      ? keysOf(value as Record<string, unknown>, `${path}.`)
      : [path];
  });
}

describe("chartValues", () => {
  test("sets only keys that the chart knows", () => {
    const unknown = keysOf(values).filter((key) => !knownKeys.has(key));
    assert.deepEqual(unknown, []);
  });

  test("leaves rights and account to the program", () => {
    assert.deepEqual(values.rbac, { create: false, serviceAccountName: "gitlab-runner" });
    assert.deepEqual(values.serviceAccount, { create: false, name: "gitlab-runner" });
  });

  test("names the Secrets, so that the chart mounts them", () => {
    assert.equal(values.runners.secret, "gitlab-runner-token");
    assert.deepEqual(values.runners.cache, { secretName: "gitlab-runner-cache-credentials" });
  });

  test("restarts the manager when a credential changes, and injects Linkerd", () => {
    assert.deepEqual(values.podAnnotations, {
      "gitlab-runner/credentials-checksum": "0123",
      "linkerd.io/inject": "enabled",
      "config.linkerd.io/proxy-enable-native-sidecar": "true",
    });
  });
});
