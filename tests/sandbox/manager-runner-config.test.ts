import assert from "node:assert/strict";
import { test } from "node:test";
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
const config = "concurrent = 4\ncheck_interval = 30\nshutdown_timeout = 600\n";
const keys = { CACHE_S3_ACCESS_KEY: "ACCESS", CACHE_S3_SECRET_KEY: "SECRET" };

function template(s3 = ""): string {
  return `[[runners]]
    name = "ignored"
    [runners.kubernetes]
      namespace = "ci"
      image = "alpine"
      cpu_request = "100m"
      helper_cpu_limit_overwrite_max_allowed = "1"
      dns_policy = "none"
      service_cpu_limit = "1"
    [runners.cache]
      Type = "s3"
      Shared = true
      [runners.cache.s3]
        ServerAddress = "minio.example.com"
        BucketName = "cache"
        BucketLocation = "us-east-1"
        ${s3}`;
}

function keysOf({ runner }: ManagerConfig): (string | undefined)[] {
  return [runner.cache?.s3?.AccessKey, runner.cache?.s3?.SecretKey];
}

test("the manager's keys and the template's runner become one configuration", () => {
  const registered = registerRunner({ config, template: template(), environment, hostname: "pod-1" });
  const { runner } = registered;
  assert.equal(registered.check_interval, 30);
  assert.equal(registered.shutdown_timeout, 600);
  assert.equal(runner.name, "pod-1");
  assert.equal(runner.url, environment.CI_SERVER_URL);
  assert.equal(runner.token, token);
  assert.equal(runner.kubernetes.cpu_request, "100m");
});

test("cache keys come from the environment where the template has none", () => {
  const merged = registerRunner({
    config,
    template: template(),
    environment: { ...environment, ...keys },
    hostname: "pod-1",
  });
  assert.deepEqual(keysOf(merged), ["ACCESS", "SECRET"]);
});

test("a variable's name in the template is a literal, and stays one", () => {
  const merged = registerRunner({
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
    (error: Error) => error.message.includes("runner.token") && !error.message.includes("glrt-short"),
  );
});

test("the short token is what comes after the prefix", () => {
  assert.equal(shortToken(token), "012345678");
  assert.equal(shortToken("glrt-t3_abcdefghijklmnopq"), "abcdefghi");
});

test("settings that the manager does not act on are known", () => {
  const merged = registerRunner({ config, template: template(), environment, hostname: "pod-1" });
  assert.deepEqual(unusedKubernetesKeys(merged.runner.kubernetes), ["dns_policy", "service_cpu_limit"]);
});
