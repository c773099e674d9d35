import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { parse } from "smol-toml";
import { jobFolder } from "../../sandbox/kwok/kwok-config.ts";
import type { MountedPod } from "../../sandbox/manager/mounted-pod.ts";
import { realRunnerVersion, startRealRunner } from "../../sandbox/manager/real-runner.ts";
import { model } from "../../tools/kubernetes-model.ts";

const timeout = 30_000;
const token = "glrt-0123456789abcdefghij";

/** Stands in for `gitlab-runner`: writes down how it was called, registers as that does, and runs until told to end. */
const program = `#!/bin/sh
case "$1" in
  --version) echo "Version:      18.9.0" ;;
  register)
    printf '%s\\n' "$@" > "$HOME/register.args"
    env > "$HOME/register.env"
    [ -n "$CI_SERVER_TOKEN" ] || { echo "PANIC: no token"; exit 1; }
    { echo '[[runners]]'; echo "  token = \\"$CI_SERVER_TOKEN\\""; echo '  [runners.kubernetes]'; echo '    namespace = "ci"'; } >> "$4"
    ;;
  run)
    env > "$HOME/run.env"
    trap 'echo quit > "$HOME/signal"; exit 0' QUIT
    echo started
    while :; do sleep 0.1; done
    ;;
esac
`;

async function scratch(t: TestContext, runnerToken = token) {
  const root = await mkdtemp(join(tmpdir(), "real-runner-"));
  const stateDir = join(root, "state");
  t.after(async () => {
    await rm(jobFolder(stateDir), { recursive: true, force: true });
    await rm(root, { recursive: true, force: true });
  });
  const mounted: MountedPod = {
    pod: model<V1Pod>({ metadata: { name: "gitlab-runner-1" } }),
    environment: {
      CI_SERVER_URL: "https://gitlab.example.com",
      RUNNER_EXECUTOR: "kubernetes",
      REGISTER_LOCKED: "true",
    },
    path: (inContainer) => join(root, "pod", inContainer),
  };
  const files = {
    "/configmaps/config.toml": "concurrent = 4\n",
    "/configmaps/config.template.toml": "[[runners]]\n",
    "/secrets/runner-token": runnerToken,
    "/secrets/accesskey": "ACCESS",
    "/secrets/secretkey": "SECRET",
    "/var/run/secrets/kubernetes.io/serviceaccount/token": "account-token",
    "/home/gitlab-runner/.gitlab-runner/.keep": "",
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(mounted.path(path), ".."), { recursive: true });
    await writeFile(mounted.path(path), content);
  }
  const binary = join(root, "gitlab-runner");
  await writeFile(binary, program, { mode: 0o755 });
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromOptions({
    clusters: [{ name: "c", server: "https://127.0.0.1:6443", caData: Buffer.from("authorities").toString("base64") }],
    users: [{ name: "admin", token: "admin-token" }],
    contexts: [{ name: "x", cluster: "c", user: "admin" }],
    currentContext: "x",
  });
  const home = (file: string) => readFile(mounted.path(`/home/gitlab-runner/${file}`), "utf8");
  return { mounted, binary, kubeconfig, stateDir, home };
}

test(
  "it registers as the pod would, reaches the cluster as the pod's account, and ends when told",
  { timeout },
  async (t) => {
    const { home, ...options } = await scratch(t);
    const { promise: started, resolve } = Promise.withResolvers<string>();
    const manager = await startRealRunner({ ...options, log: resolve });
    assert.equal(await started, "started");

    assert.doesNotMatch(await home("register.args"), new RegExp(`${token}|SECRET`));
    const environment = await home("register.env");
    assert.match(environment, new RegExp(`^CI_SERVER_TOKEN=${token}$`, "m"));
    assert.match(environment, /^CACHE_S3_SECRET_KEY=SECRET$/m);
    assert.match(environment, /^RUNNER_NAME=gitlab-runner-1$/m);
    assert.doesNotMatch(environment, /^REGISTER_LOCKED/m);
    assert.doesNotMatch(await home("run.env"), /SECRET|glrt-/);

    const config = parse(await home(".gitlab-runner/config.toml")) as {
      concurrent: number;
      runners: { kubernetes: Record<string, string>; feature_flags: Record<string, boolean>; builds_dir: string }[];
    };
    const [runner] = config.runners;
    assert.equal(config.concurrent, 4);
    assert.ok(runner);
    assert.equal(runner.kubernetes["namespace"], "ci");
    assert.equal(runner.kubernetes["host"], "https://127.0.0.1:6443");
    assert.equal(runner.kubernetes["bearer_token"], "account-token");
    assert.equal(await readFile(runner.kubernetes["ca_file"] ?? "", "utf8"), "authorities");
    assert.equal(runner.feature_flags["FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY"], true);
    assert.ok(runner.builds_dir.startsWith(jobFolder(options.stateDir)));

    await manager.stop(10_000);
    assert.equal((await home("signal")).trim(), "quit");
  },
);

test("a registration that fails says why", { timeout }, async (t) => {
  const { home: _, ...options } = await scratch(t, "");
  await assert.rejects(startRealRunner({ ...options, log: () => undefined }), /register failed: PANIC: no token/);
});

test("its version is known", { timeout }, async (t) => {
  assert.equal(await realRunnerVersion((await scratch(t)).binary), "18.9.0");
});
