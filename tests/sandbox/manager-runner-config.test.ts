import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "smol-toml";
import {
  registerRunner,
  shortToken,
  unusedKubernetesKeys,
  type ManagerConfig,
} from "../../sandbox/manager/runner-config.ts";

const token = "glrt-0123456789abcdefghij";
const environment = {
  CI_SERVER_URL: "https://gitlab.example.com",
  RUNNER_EXECUTOR: "kubernetes",
  CI_SERVER_TOKEN: token,
};
const config = 'concurrent = 4\ncheck_interval = 30\nlog_level = "info"\n';
const keys = { CACHE_S3_ACCESS_KEY: "ACCESS", CACHE_S3_SECRET_KEY: "SECRET" };

function template(s3 = ""): string {
  return `[[runners]]
    name = "ignored"
    [runners.kubernetes]
      namespace = "ci"
      image = "alpine"
      cpu_request = "100m"
      dns_policy = "none"
    [runners.cache]
      Type = "s3"
      Shared = true
      [runners.cache.s3]
        BucketName = "cache"
        ${s3}`;
}

function keysOf({ runners }: ManagerConfig): (string | undefined)[] {
  const s3 = runners[0]?.cache?.s3;
  return [s3?.AccessKey, s3?.SecretKey];
}

test("the manager's keys and the template's runner become one configuration", () => {
  const registered = registerRunner({ config, template: template(), environment, hostname: "pod-1" });
  const [runner] = registered.config.runners;
  assert.ok(runner);
  assert.equal(registered.config.concurrent, 4);
  assert.equal(registered.config.check_interval, 30);
  assert.equal(runner.name, "pod-1");
  assert.equal(runner.url, environment.CI_SERVER_URL);
  assert.equal(runner.token, token);
  assert.equal(runner.kubernetes.cpu_request, "100m");
  const written = parse(registered.toml) as { runners: { token: string }[]; log_level: string };
  assert.equal(written.runners[0]?.token, token);
  assert.equal(written.log_level, "info");
});

test("cache keys come from the environment where the template has none", () => {
  const { config: merged } = registerRunner({
    config,
    template: template(),
    environment: { ...environment, ...keys },
    hostname: "pod-1",
  });
  assert.deepEqual(keysOf(merged), ["ACCESS", "SECRET"]);
});

test("a variable's name in the template is a literal, and stays one", () => {
  const { config: merged } = registerRunner({
    config,
    template: template('AccessKey = "$CACHE_S3_ACCESS_KEY"'),
    environment: { ...environment, ...keys },
    hostname: "pod-1",
  });
  assert.deepEqual(keysOf(merged), ["$CACHE_S3_ACCESS_KEY", "SECRET"]);
});

test("a template has exactly one runner", () => {
  for (const wrong of ["", `${template()}\n[[runners]]\n`]) {
    assert.throws(
      () => registerRunner({ config, template: wrong, environment, hostname: "pod-1" }),
      /exactly one \[\[runners\]\]/,
    );
  }
});

test("an unusable token is named, not quoted", () => {
  assert.throws(
    () =>
      registerRunner({
        config,
        template: template(),
        environment: { ...environment, CI_SERVER_TOKEN: "glrt-short" },
        hostname: "pod-1",
      }),
    (error: Error) => error.message.includes("runners.0.token") && !error.message.includes("glrt-short"),
  );
});

test("the short token is what comes after the prefix", () => {
  assert.equal(shortToken(token), "012345678");
  assert.equal(shortToken("glrt-t3_abcdefghijklmnopq"), "abcdefghi");
});

test("settings that the manager does not act on are known", () => {
  const { config: merged } = registerRunner({ config, template: template(), environment, hostname: "pod-1" });
  const [runner] = merged.runners;
  assert.ok(runner);
  assert.deepEqual(unusedKubernetesKeys(runner.kubernetes), ["dns_policy"]);
});
