import { mkdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { lock } from "proper-lockfile";
import { requireGo, toolBuilds } from "../../sandbox/built-tools.ts";
import { builtTestTools } from "../../tools/pinned-tools.ts";
import { cacheFolder } from "../../tools/tool-cache.ts";

/** A series with its values, in the notation of https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series */
export interface InputSeries {
  readonly series: string;
  readonly values: string;
}

/** An alert that is sent. */
export interface ExpectedAlert {
  readonly exp_labels: Readonly<Record<string, string>>;
  readonly exp_annotations: Readonly<Record<string, string>>;
}

/** A question to Prometheus, and its answer. */
export type RuleTest =
  | { readonly alertname: string; readonly eval_time: string; readonly exp_alerts: readonly ExpectedAlert[] }
  | {
      readonly expr: string;
      readonly eval_time: string;
      readonly exp_samples: readonly { readonly labels: string; readonly value: number }[];
    };

/** Builds promtool, where `npm run sandbox:tools` has not; for `before`. */
export async function buildPromtool(): Promise<void> {
  mkdirSync(cacheFolder(), { recursive: true });
  // Test files run side by side, and the build uses all of the machine.
  const unlock = await lock(cacheFolder(), {
    lockfilePath: join(cacheFolder(), "test-tools.lock"),
    stale: 60_000,
    retries: { retries: 2_000, factor: 1, minTimeout: 1_000 },
  });
  try {
    const missing = toolBuilds({ forTests: true }).filter(({ ready }) => !ready);
    if (missing.length > 0) {
      await requireGo();
    }
    for (const tool of missing) {
      await tool.run();
    }
  } finally {
    await unlock();
  }
}

/** Time for {@link buildPromtool}. */
export const buildTimeout = 30 * 60_000;

/**
 * Has Prometheus parse rules, as it does when it loads them.
 * @throws Error with what it says about them
 */
export async function checkRules(rules: object): Promise<void> {
  await promtool({ "rules.json": rules }, ["check", "rules", "rules.json"]);
}

/**
 * Has Prometheus evaluate rules and expressions over some series, with a sample a minute.
 * @throws Error with what it got instead of what is expected
 */
export async function testRules(rules: object, series: readonly InputSeries[], test: RuleTest): Promise<void> {
  const tests = {
    rule_files: ["rules.json"],
    evaluation_interval: "1m",
    fuzzy_compare: true,
    tests: [
      {
        interval: "1m",
        input_series: series,
        ["alertname" in test ? "alert_rule_test" : "promql_expr_test"]: [test],
      },
    ],
  };
  await promtool({ "rules.json": rules, "tests.json": tests }, ["test", "rules", "tests.json"]);
}

async function promtool(files: Readonly<Record<string, object>>, args: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "promtool-"));
  try {
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(folder, name), JSON.stringify(content));
    }
    const { exitCode, all } = await execa(builtTestTools().promtool, args, {
      cwd: folder,
      all: true,
      reject: false,
      timeout: 60_000,
    });
    if (exitCode !== 0) {
      throw new Error(`promtool ${args.join(" ")}:\n${all}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
