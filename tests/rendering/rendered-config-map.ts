import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { parseAllDocuments } from "yaml";
import { builtTools } from "../../tools/pinned-tools.ts";

const sandboxChart = join(import.meta.dirname, "../../sandbox/chart/gitlab-runner");

interface ConfigMap {
  readonly kind: string;
  readonly data: Readonly<Record<string, string>>;
}

/** What Helm makes of a chart's values: the ConfigMap that the manager's pod mounts. */
export async function renderConfigMap(values: object, chart = sandboxChart): Promise<ConfigMap["data"]> {
  const home = await mkdtemp(join(tmpdir(), "config-helm-"));
  try {
    const { stdout } = await execa(builtTools().helm, ["template", "gitlab-runner", chart, "--values", "-"], {
      env: { HOME: home, PATH: process.env["PATH"] ?? "" },
      extendEnv: false,
      input: JSON.stringify(values),
    });
    const [configMap, ...others] = parseAllDocuments(stdout)
      .map((document) => document.toJS() as ConfigMap)
      .filter(({ kind }) => kind === "ConfigMap");
    assert.ok(configMap !== undefined && others.length === 0, "not one ConfigMap");
    return configMap.data;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
