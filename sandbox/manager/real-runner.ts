import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { parse, stringify, type TomlTable } from "smol-toml";
import { makeJobFolder } from "../kwok/kwok-config.ts";
import { accountConfig } from "./account-config.ts";
import { containerPaths, registrationInput } from "./entry-script.ts";
import type { ManagerOptions, RunningManager } from "./running-manager.ts";

/** Inputs of {@link startRealRunner}. */
export interface RealRunnerOptions extends Omit<ManagerOptions, "kubectl"> {
  /** The `gitlab-runner` program. */
  readonly binary: string;
}

/** The output of `gitlab-runner --version`; rejects if the program does not run. */
export async function realRunnerVersion(binary: string): Promise<string> {
  const { stdout } = await execa(binary, ["--version"], { timeout: 30_000 });
  return /^Version:\s*(\S+)/m.exec(stdout)?.[1] ?? "unknown";
}

/**
 * Runs the real `gitlab-runner` the way the manager pod's entry script does: `register` with the mounted template, then
 * `run`. Outside of the pod it cannot find the cluster by itself, so its configuration gets the API server's address and CA,
 * and a token of the pod's account (valid for a day); jobs run by exec, in the sandbox's job folder.
 * Cache and artifacts need `/usr/bin/gitlab-runner-helper` where kwok runs commands: see `kwok/runner-helper.ts`.
 */
export async function startRealRunner(options: RealRunnerOptions): Promise<RunningManager> {
  const { binary, mounted, log } = options;
  const input = await registrationInput(mounted);
  const home = mounted.path(containerPaths.home);
  await mkdir(home, { recursive: true, mode: 0o700 });
  const file = join(home, "config.toml");
  await writeFile(file, input.config, { mode: 0o600 });

  // Secrets are passed only in the environment: all users can read arguments.
  const env = { PATH: process.env.PATH, HOME: mounted.path("/home/gitlab-runner"), ...input.environment };
  const common = { env, extendEnv: false, cwd: mounted.path("/home/gitlab-runner") } as const;
  const template = mounted.path(containerPaths.template);
  await execa(binary, ["register", "--non-interactive", "--config", file, "--template-config", template], {
    ...common,
    env: { RUNNER_NAME: input.hostname, ...withoutRegistrationSettings(env) },
    all: true,
    timeout: 120_000,
  }).catch((error: unknown) => {
    throw new Error(`gitlab-runner register failed: ${lastLine(error)}`);
  });
  await reachCluster(file, options);

  const child = execa(binary, ["run", "--config", file, "--working-directory", common.cwd], {
    ...common,
    env: { PATH: env.PATH, HOME: env.HOME },
    all: true,
    buffer: false,
    reject: false,
    // Ctrl-C must not reach it directly: the sandbox tells it how to stop.
    detached: true,
  });
  void (async () => {
    for await (const line of child.iterable({ from: "all" })) {
      log(line);
    }
  })().catch(() => undefined);
  const ended = child.then(() => undefined);
  return {
    stop: async (limitMs) => {
      // QUIT lets jobs finish, TERM cancels them, KILL ends it at once.
      for (const [signal, wait] of [
        ["SIGQUIT", limitMs],
        ["SIGTERM", 10_000],
        ["SIGKILL", 10_000],
      ] as const) {
        if (child.exitCode !== null) {
          return;
        }
        child.kill(signal);
        await Promise.race([ended, sleep(wait, undefined, { ref: false })]);
      }
    },
  };
}

/** As in the entry script: with an authentication token, GitLab has these settings and the runner rejects them. */
function withoutRegistrationSettings(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const refused = new Set(["REGISTER_LOCKED", "RUNNER_TAG_LIST", "REGISTRATION_TOKEN"]);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !refused.has(name)));
}

async function reachCluster(file: string, options: RealRunnerOptions): Promise<void> {
  const own = await accountConfig(options.kubeconfig, options.mounted);
  const cluster = own.getCurrentCluster();
  const authorities = options.mounted.path("/cluster-ca.crt");
  const data = cluster?.caData === undefined ? undefined : Buffer.from(cluster.caData, "base64");
  if (data !== undefined) {
    await writeFile(authorities, data, { mode: 0o600 });
  }

  const config = parse(await readFile(file, "utf8"));
  const runner = Array.isArray(config.runners) ? (config.runners[0] as TomlTable | undefined) : undefined;
  if (runner === undefined) {
    throw new Error("gitlab-runner register wrote no [[runners]]");
  }
  const jobs = makeJobFolder(options.stateDir);
  runner.builds_dir = join(jobs, "builds");
  runner.cache_dir = join(jobs, "cache");
  runner.feature_flags = {
    ...(runner.feature_flags as TomlTable | undefined),
    FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY: true,
  };
  runner.kubernetes = {
    ...(runner.kubernetes as TomlTable | undefined),
    host: cluster?.server ?? "",
    bearer_token: own.getCurrentUser()?.token ?? "",
    ca_file: data === undefined ? (cluster?.caFile ?? "") : authorities,
  };
  await writeFile(file, stringify(config), { mode: 0o600 });
  await chmod(file, 0o600);
}

function lastLine(error: unknown): string {
  const text = typeof error === "object" && error !== null && "all" in error ? String(error.all) : "";
  // Without colours. Tokens need no masking: the runner prints only their first characters.
  return (
    text
      .trim()
      .split("\n")
      .at(-1)
      ?.replaceAll(/\u001B\[[0-9;]*m/g, "") ?? "no output"
  );
}
