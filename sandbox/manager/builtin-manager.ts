import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { makeJobFolder } from "../kwok/kwok-config.ts";
import { GitLabJobs } from "./gitlab-jobs.ts";
import { runJob } from "./job-run.ts";
import { pollForJobs } from "./manager-process.ts";
import type { MountedPod } from "./mounted-pod.ts";
import { registerRunner, unusedKubernetesKeys, type RegistrationInput } from "./runner-config.ts";

/** Paths in the manager's container, as GitLab's chart mounts them. */
export const containerPaths = {
  config: "/configmaps/config.toml",
  template: "/configmaps/config.template.toml",
  secrets: "/secrets",
  home: "/home/gitlab-runner/.gitlab-runner",
  accountToken: "/var/run/secrets/kubernetes.io/serviceaccount/token",
} as const;

/** Version that the built-in manager reports, and whose helper image it names. */
export const builtinVersion = "18.9.0";

/** What the built-in manager runs with. */
export interface BuiltinManagerOptions {
  readonly mounted: MountedPod;
  /** The cluster's address and authorities are taken from it; its user is only for what a kubelet does. */
  readonly kubeconfig: KubeConfig;
  readonly stateDir: string;
  readonly checkIntervalSeconds?: number | undefined;
  readonly log: (line: string) => void;
}

/** A manager that runs. */
export interface RunningManager {
  /** Resolves when it has stopped; rejects never. */
  readonly ended: Promise<void>;
  /**
   * Takes no more jobs and waits for those that run, as long as `shutdown_timeout` says and at most `limitMs`; then ends
   * them.
   */
  stop(limitMs: number): Promise<void>;
}

/** Starts the minimal manager. Rejects if its configuration is not usable or GitLab refuses its token. */
export async function startBuiltinManager(options: BuiltinManagerOptions): Promise<RunningManager> {
  const { mounted, log, stateDir } = options;
  const { config, toml } = registerRunner(await registrationInput(mounted));
  const [runner] = config.runners;
  if (runner === undefined) {
    throw new Error("the runner's configuration has no [[runners]]");
  }
  const file = mounted.path(`${containerPaths.home}/config.toml`);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, toml, { mode: 0o600 });

  const unused = unusedKubernetesKeys(runner.kubernetes);
  if (unused.length > 0) {
    log(`not acted on by the built-in manager: runners.kubernetes.${unused.join(", ")}`);
  }
  const cluster = await accountConfig(options.kubeconfig, mounted);
  const systemId = `r_${randomBytes(8)
    .toString("base64url")
    .replaceAll(/[^A-Za-z0-9]/g, "0")
    .slice(0, 12)}`;
  const gitlab = new GitLabJobs({
    url: runner.url,
    token: runner.token,
    systemId,
    name: "gitlab-runner",
    version: `${builtinVersion} (sandbox)`,
  });
  await gitlab.verify();
  log(`runner ${runner.name} is verified and asks ${runner.url} for jobs`);

  const jobFolder = makeJobFolder(stateDir);
  const noMoreJobs = new AbortController();
  const endJobs = new AbortController();
  const ended = pollForJobs({
    gitlab,
    config,
    checkIntervalSeconds: options.checkIntervalSeconds ?? config.check_interval,
    log,
    signal: noMoreJobs.signal,
    run: async (job, slot) => {
      try {
        const scratch = mounted.path("/tmp");
        const common = {
          gitlab,
          job,
          runner,
          cluster,
          kubelet: options.kubeconfig,
          slot,
          jobFolder,
          scratch,
          systemId,
        };
        const result = await runJob({ ...common, version: builtinVersion, signal: endJobs.signal });
        log(`job ${job.id}: ${result.state}${result.failureReason === undefined ? "" : ` (${result.failureReason})`}`);
      } catch (error) {
        log(`job ${job.id}: ${error instanceof Error ? error.message : "failed"}`);
      }
    },
  });
  return {
    ended,
    stop: async (limitMs) => {
      noMoreJobs.abort();
      const wait = Math.min(limitMs, config.shutdown_timeout > 0 ? config.shutdown_timeout * 1000 : limitMs);
      const timer = setTimeout(() => {
        endJobs.abort();
      }, wait);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** What the manager's entry script would read: its files, and its environment with the Secrets' values. */
export async function registrationInput(mounted: MountedPod): Promise<RegistrationInput> {
  const text = (path: string) => readFile(mounted.path(path), "utf8");
  const secret = (name: string) => text(`${containerPaths.secrets}/${name}`).catch(() => undefined);
  const [token, accessKey, secretKey] = await Promise.all(["runner-token", "accesskey", "secretkey"].map(secret));
  const environment: Record<string, string> = { ...mounted.environment };
  if (token !== undefined) {
    environment.CI_SERVER_TOKEN = token;
  }
  if (accessKey !== undefined && secretKey !== undefined) {
    environment.CACHE_S3_ACCESS_KEY = accessKey;
    environment.CACHE_S3_SECRET_KEY = secretKey;
  }
  return {
    config: await text(containerPaths.config),
    template: await text(containerPaths.template),
    environment,
    hostname: mounted.pod.metadata?.name ?? "gitlab-runner",
  };
}

/** Access to the cluster with the mounted account token alone. */
export async function accountConfig(kubeconfig: KubeConfig, mounted: MountedPod): Promise<KubeConfig> {
  const cluster = kubeconfig.getCurrentCluster();
  if (cluster === null) {
    throw new Error("the kubeconfig's current context has no cluster");
  }
  const token = await readFile(mounted.path(containerPaths.accountToken), "utf8").catch(() => {
    throw new Error("the manager pod mounts no service account token, so it cannot reach the cluster");
  });
  const own = new KubeConfig();
  own.loadFromOptions({
    clusters: [cluster],
    users: [{ name: "manager", token }],
    contexts: [{ name: "manager", cluster: cluster.name, user: "manager" }],
    currentContext: "manager",
  });
  return own;
}
