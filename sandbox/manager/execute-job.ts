import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiException, CoreV1Api, type KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { execInPod } from "./exec-in-pod.ts";
import { runnerVersion, type GitLabJob, type GitLabJobs, type JobResult } from "./gitlab-jobs.ts";
import { JobCache } from "./job-cache.ts";
import { jobPod, jobPodName } from "./job-pod.ts";
import { inFolder, shownCommands } from "./job-script.ts";
import { JobTrace } from "./job-trace.ts";
import { jobVariables, type JobVariables } from "./job-variables.ts";
import { mountedFiles } from "./mounted-pod.ts";
import type { RunnerEntry } from "./runner-config.ts";

/** Inputs of a job. */
export interface JobOptions {
  readonly gitlab: GitLabJobs;
  readonly job: GitLabJob;
  readonly runner: RunnerEntry;
  /** Access to the cluster with only the manager's permissions. */
  readonly cluster: KubeConfig;
  /** Access to what a kubelet may read: the volumes of pods. */
  readonly kubelet: KubeConfig;
  /** Folder that commands in pods may write to; every job gets its own subfolder. */
  readonly jobFolder: string;
  /** The `kubectl` program. */
  readonly kubectl: string;
  /** Ends the job early, such as when the manager stops. */
  readonly signal: AbortSignal;
}

/** The default of the runner's `poll_timeout`, which the stack does not change. */
const podTimeoutMs = 180_000;

/** Runs one job (pod, cache, script, log, result) and deletes everything in the cluster. Resolves once GitLab has the result. */
export async function executeJob(options: JobOptions): Promise<JobResult> {
  const { gitlab, job, runner, cluster, jobFolder } = options;
  const name = jobPodName(runner, job);
  const folder = join(jobFolder, name);
  const variables = jobVariables(job, runner, `${folder}/builds`);
  const trace = new JobTrace(gitlab, job, variables.secrets);
  const api = cluster.makeApiClient(CoreV1Api);
  const { namespace } = runner.kubernetes;
  let result: JobResult;
  try {
    result = await new JobInPod(options, api, name, variables, trace).run();
  } catch (error) {
    trace.line(`\u001B[31;1mERROR: Job failed (system failure): ${reason(error)}\u001B[0;m`);
    result = { state: "failed", failureReason: "runner_system_failure" };
  }
  await api.deleteNamespacedPod({ name, namespace }).catch((error: unknown) => {
    if (!(error instanceof ApiException && error.code === 404)) {
      trace.line(`WARNING: pod ${namespace}/${name} is still there: ${reason(error)}`);
    }
  });
  // A simulated pod's files are on this machine and outlive the pod.
  await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  if (result.state === "success") {
    trace.line("\u001B[32;1mJob succeeded\u001B[0;m");
  } else if (result.exitCode !== undefined) {
    trace.line(`\u001B[31;1mERROR: Job failed: exit code ${result.exitCode}\u001B[0;m`);
  }
  await trace.finish(result);
  return result;
}

class JobInPod {
  readonly #options: JobOptions;
  readonly #api: CoreV1Api;
  readonly #name: string;
  readonly #variables: JobVariables;
  readonly #trace: JobTrace;

  constructor(options: JobOptions, api: CoreV1Api, name: string, variables: JobVariables, trace: JobTrace) {
    this.#options = options;
    this.#api = api;
    this.#name = name;
    this.#variables = variables;
    this.#trace = trace;
  }

  async run(): Promise<JobResult> {
    const { job, runner } = this.#options;
    this.#say(`Running with the sandbox's stand-in for gitlab-runner ${runnerVersion}, on ${runner.name}`);
    const pod = await this.#createPod();
    await this.#waitForPod();
    const cache = new JobCache({
      ...this.#options,
      variables: this.#variables,
      authorities: await this.#authorities(pod),
      run: (commands, output) => this.#exec("helper", commands, output),
      say: (line) => {
        this.#say(line);
      },
    });
    await cache.restore();
    const script = job.steps.filter((step) => step.name === "script").flatMap((step) => step.script);
    const exitCode = await this.#exec("build", shownCommands(script), (chunk) => {
      this.#trace.write(chunk);
    });
    if (exitCode !== 0) {
      return { state: "failed", failureReason: "script_failure", exitCode };
    }
    await cache.save();
    return { state: "success", exitCode };
  }

  async #createPod(): Promise<V1Pod> {
    const { runner } = this.#options;
    const { namespace } = runner.kubernetes;
    const body = await jobPod({ ...this.#options, variables: this.#variables, name: this.#name });
    const pod = await this.#api.createNamespacedPod({ namespace, body });
    this.#say(`Pod ${namespace}/${this.#name} with image ${pod.spec?.containers[0]?.image ?? "?"} is created.`);
    return pod;
  }

  async #waitForPod(): Promise<void> {
    const { runner, signal } = this.#options;
    const deadline = Date.now() + podTimeoutMs;
    for (;;) {
      const { spec, status } = await this.#api.readNamespacedPod({
        name: this.#name,
        namespace: runner.kubernetes.namespace,
      });
      if (status?.phase === "Running") {
        this.#say(`It runs on ${spec?.nodeName ?? "an unknown node"}.`);
        return;
      }
      if (Date.now() >= deadline) {
        const why = status?.conditions?.find(({ message }) => message !== undefined)?.message;
        throw new Error(`its pod does not run after ${podTimeoutMs / 1000} s: ${why ?? status?.phase ?? "unknown"}`);
      }
      await sleep(500, undefined, { signal });
    }
  }

  /** Certificates that the real helper, a Go program, would trust: the files in the folders of SSL_CERT_DIR. */
  async #authorities(pod: V1Pod): Promise<string[]> {
    const folders = this.#variables.values.get("SSL_CERT_DIR")?.split(":") ?? [];
    const files = await Promise.all(
      folders.map((folder) => mountedFiles(this.#options.kubelet, pod, "helper", folder)),
    );
    return files.flatMap((found) => [...found.values()].map(String));
  }

  #exec(container: "build" | "helper", commands: string, output: (chunk: Buffer) => void): Promise<number> {
    const { cluster, runner, signal } = this.#options;
    const { values } = this.#variables;
    const script = inFolder(values.get("CI_PROJECT_DIR") ?? ".", values, commands);
    const { namespace } = runner.kubernetes;
    return execInPod(cluster, { namespace, pod: this.#name, container, script, output, signal });
  }

  #say(line: string): void {
    this.#trace.line(line);
  }
}

/** For an error of the API server its own message, which contains no secret. */
function reason(error: unknown): string {
  if (error instanceof ApiException) {
    const body: unknown = typeof error.body === "string" ? parseJson(error.body) : error.body;
    return typeof body === "object" && body !== null && "message" in body
      ? String(body.message)
      : `the cluster answered ${error.code}`;
  }
  return error instanceof Error ? error.message : "unknown reason";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
