import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiException, CoreV1Api, type KubeConfig, type V1Pod } from "@kubernetes/client-node";
import type { GitLabJob, GitLabJobs, JobResult } from "./gitlab-jobs.ts";
import { JobCache } from "./job-cache.ts";
import { jobPod, jobPodName } from "./job-pod.ts";
import { JobNotAllowedError } from "./job-resources.ts";
import { quote, stepScript } from "./job-script.ts";
import { mountedFiles } from "./mounted-pod.ts";
import { JobTrace, type Cancellation } from "./job-trace.ts";
import { jobVariables, type JobVariables } from "./job-variables.ts";
import { PodShell } from "./pod-exec.ts";
import { waitForPod } from "./pod-wait.ts";
import { shortToken, type RunnerEntry } from "./runner-config.ts";

/** What a job runs with. */
export interface JobRunOptions {
  readonly gitlab: GitLabJobs;
  readonly job: GitLabJob;
  readonly runner: RunnerEntry;
  /** The manager's rights in the cluster, and no others. */
  readonly cluster: KubeConfig;
  /** What a kubelet may read: the volumes of pods. */
  readonly kubelet: KubeConfig;
  /** Which of the manager's concurrent jobs this is, from 0. */
  readonly slot: number;
  /** Folder that the commands of pods may write to; every job gets one of its own in it. */
  readonly jobFolder: string;
  /** Folder of the manager's own for archives. */
  readonly scratch: string;
  readonly version: string;
  readonly systemId: string;
  /** Ends the job early, as the end of the manager does. */
  readonly signal: AbortSignal;
}

/** Why a job ends before its script does. */
type Ending = Cancellation | "timeout" | "shutdown";

/** How long `after_script` may take, as in the runner. */
const afterScriptMs = 300_000;

/** Runs one job: pod, cache, scripts, log, result; leaves nothing in the cluster. Resolves once GitLab has the result. */
export async function runJob(options: JobRunOptions): Promise<JobResult> {
  const run = new JobRun(options);
  return run.run();
}

class JobRun {
  readonly #options: JobRunOptions;
  readonly #variables: JobVariables;
  readonly #trace: JobTrace;
  readonly #api: CoreV1Api;
  readonly #shell: PodShell;
  readonly #pod: string;
  readonly #folder: string;
  readonly #stop = new AbortController();
  #ending: Ending | undefined;

  constructor(options: JobRunOptions) {
    const { gitlab, job, runner, cluster } = options;
    this.#options = options;
    this.#pod = jobPodName(runner, job, options.slot);
    this.#folder = join(options.jobFolder, this.#pod);
    this.#variables = jobVariables(job, runner, `${this.#folder}/builds`);
    this.#api = cluster.makeApiClient(CoreV1Api);
    this.#shell = new PodShell(cluster, runner.kubernetes.namespace, this.#pod);
    this.#trace = new JobTrace(gitlab, job, this.#variables.secrets, (how) => {
      this.#end(how);
    });
  }

  async run(): Promise<JobResult> {
    const { job, signal } = this.#options;
    const timeout = setTimeout(() => {
      this.#end("timeout");
    }, job.runner_info.timeout * 1000);
    const onShutdown = () => {
      this.#end("shutdown");
    };
    signal.addEventListener("abort", onShutdown, { once: true });
    if (signal.aborted) {
      onShutdown();
    }
    const scratch = join(this.#options.scratch, this.#pod);
    let result: JobResult;
    try {
      await mkdir(scratch, { recursive: true, mode: 0o700 });
      result = await this.#stages(scratch);
    } catch (error) {
      result = this.#failure(error);
    } finally {
      clearTimeout(timeout);
      signal.removeEventListener("abort", onShutdown);
      await this.#cleanUp(scratch);
    }
    this.#trace.line(this.#verdict(result));
    await this.#trace.finish(result);
    return result;
  }

  async #stages(scratch: string): Promise<JobResult> {
    const { job, runner, version, systemId } = this.#options;
    const trace = this.#trace;
    trace.line(`\u001B[0KRunning with the sandbox's built-in runner manager ${version}\u001B[0;m`);
    trace.line(`\u001B[0K  on ${runner.name} ${shortToken(runner.token)}, system ID: ${systemId}\u001B[0;m`);
    const pod = await trace.section("prepare_executor", 'Preparing the "kubernetes" executor', () => this.#createPod());
    await trace.section("prepare_script", "Preparing environment", () =>
      waitForPod(
        this.#api,
        runner.kubernetes,
        this.#pod,
        (text) => {
          trace.line(text);
        },
        this.#stop.signal,
      ),
    );
    await trace.section("get_sources", "Getting source from Git repository", async () => {
      trace.line("\u001B[32;1mSkipping Git repository setup\u001B[0;m");
      await this.#exec("helper", stepScript(this.#variables, []));
    });
    const cache = new JobCache({
      ...this.#options,
      variables: this.#variables,
      shell: this.#shell,
      authorities: await this.#authorities(pod),
      trace,
      scratch,
    });
    if (job.cache.length > 0) {
      await trace.section("restore_cache", "Restoring cache", () => cache.restore());
    }

    const exitCode = await this.#script();
    await this.#afterScript(exitCode === 0);
    if (job.cache.length > 0 && this.#ending === undefined) {
      const title = exitCode === 0 ? "Saving cache for successful job" : "Saving cache for failed job";
      await trace.section("archive_cache", title, () => cache.save(exitCode === 0));
    }
    if (job.artifacts.length > 0) {
      trace.line("WARNING: the built-in manager does not upload artifacts");
    }
    if (this.#ending !== undefined) {
      return this.#ended(this.#ending);
    }
    return exitCode === 0
      ? { state: "success", exitCode }
      : { state: "failed", failureReason: "script_failure", exitCode };
  }

  async #createPod(): Promise<V1Pod> {
    const { job, runner, version } = this.#options;
    const { namespace, image } = runner.kubernetes;
    this.#trace.line(`\u001B[0KUsing Kubernetes namespace: ${namespace}\u001B[0;m`);
    this.#trace.line(`\u001B[0KUsing Kubernetes executor with image ${job.image?.name ?? image} ...\u001B[0;m`);
    const body = jobPod({ job, runner, variables: this.#variables, name: this.#pod, version });
    const pod = await this.#api.createNamespacedPod({ namespace, body });
    this.#trace.line(`Pod ${namespace}/${this.#pod} created`);
    return pod;
  }

  /** What the real helper, a Go program, would trust: the files in the folders of SSL_CERT_DIR. */
  async #authorities(pod: V1Pod): Promise<string[]> {
    const folders = this.#variables.values.get("SSL_CERT_DIR")?.split(":") ?? [];
    const files = await Promise.all(
      folders.map((folder) => mountedFiles(this.#options.kubelet, pod, "helper", folder)),
    );
    return files.flatMap((found) => [...found.values()].map(String));
  }

  /** Runs the job's steps; the first that fails, or the end asked for, is the last. */
  async #script(): Promise<number> {
    const { job, runner } = this.#options;
    const steps = job.steps.filter((step) => step.name !== "after_script");
    return this.#trace.section("step_script", 'Executing "step_script" stage of the job script', async () => {
      for (const step of steps) {
        const before = runner.pre_build_script === undefined ? [] : [runner.pre_build_script];
        const after = runner.post_build_script === undefined ? [] : [runner.post_build_script];
        const commands = [...before, ...step.script, ...after];
        const code = await this.#exec("build", stepScript(this.#variables, commands)).catch((error: unknown) => {
          if (this.#ending === undefined) {
            throw error;
          }
          return 1;
        });
        if (code !== 0) {
          return code;
        }
      }
      return 0;
    });
  }

  async #afterScript(succeeded: boolean): Promise<void> {
    const step = this.#options.job.steps.find(({ name }) => name === "after_script");
    if (step === undefined || this.#ending === "abort" || this.#ending === "shutdown") {
      return;
    }
    const status = this.#ending === "graceful" ? "canceled" : succeeded ? "success" : "failed";
    const variables = { ...this.#variables, values: new Map([...this.#variables.values, ["CI_JOB_STATUS", status]]) };
    await this.#trace.section("after_script", "Running after_script", async () => {
      this.#trace.line("\u001B[32;1mRunning after script...\u001B[0;m");
      if (this.#ending !== undefined) {
        await this.#shell.kill("build");
      }
      const limit = AbortSignal.timeout(afterScriptMs);
      const code = await this.#exec("build", stepScript(variables, step.script), limit).catch(() => -1);
      if (code !== 0) {
        this.#trace.line("WARNING: after_script failed, but job will continue unaffected");
      }
    });
  }

  #exec(container: string, script: string, signal = this.#stop.signal): Promise<number> {
    return this.#shell.run(container, {
      script,
      stdout: (chunk) => {
        this.#trace.write(chunk);
      },
      signal,
    });
  }

  /** The first reason counts, but nothing stops an abort. */
  #end(ending: Ending): void {
    if (this.#ending === undefined || ending === "abort") {
      this.#ending = ending;
    }
    this.#stop.abort();
  }

  async #cleanUp(scratch: string): Promise<void> {
    const { namespace } = this.#options.runner.kubernetes;
    // A simulated pod's processes and files are this machine's: they outlive the pod.
    await this.#shell.kill("build").catch(() => undefined);
    const none = () => undefined;
    const folder = quote(this.#folder);
    const script = `cd / && chmod -R u+rwX ${folder} 2>/dev/null; rm -rf ${folder}`;
    await this.#shell.run("helper", { script, stdout: none, signal: AbortSignal.timeout(60_000) }).catch(none);
    await Promise.all(
      [this.#folder, scratch].map((folder) => rm(folder, { recursive: true, force: true }).catch(none)),
    );
    for (let attempt = 0; attempt < 3; attempt += 1) {
      try {
        await this.#api.deleteNamespacedPod({ name: this.#pod, namespace });
        return;
      } catch (error) {
        if (error instanceof ApiException && error.code === 404) {
          return;
        }
        await sleep(500);
      }
    }
    this.#trace.line(`WARNING: pod ${namespace}/${this.#pod} could not be deleted`);
  }

  #ended(ending: Ending): JobResult {
    if (ending === "timeout") {
      return { state: "failed", failureReason: "job_execution_timeout" };
    }
    return { state: "failed", failureReason: ending === "shutdown" ? "runner_system_failure" : "job_canceled" };
  }

  #failure(error: unknown): JobResult {
    if (this.#ending !== undefined) {
      return this.#ended(this.#ending);
    }
    const message =
      error instanceof ApiException ? apiMessage(error) : error instanceof Error ? error.message : "unknown";
    const allowed = !(error instanceof JobNotAllowedError);
    this.#trace.line(
      `\u001B[31;1mERROR: ${allowed ? "Job failed (system failure)" : "Preparation failed"}: ${message}\u001B[0;m`,
    );
    return { state: "failed", failureReason: "runner_system_failure" };
  }

  #verdict({ state, failureReason, exitCode }: JobResult): string {
    if (state === "success") {
      return "\u001B[32;1mJob succeeded\u001B[0;m";
    }
    const reasons: Record<string, string> = {
      script_failure: `exit code ${exitCode ?? 1}`,
      job_execution_timeout: `execution took longer than ${this.#options.job.runner_info.timeout} seconds`,
      job_canceled: "canceled",
      runner_system_failure: this.#ending === "shutdown" ? "the runner manager stops" : "system failure",
    };
    return `\u001B[31;1mERROR: Job failed: ${reasons[failureReason ?? ""] ?? "unknown reason"}\u001B[0;m`;
  }
}

/** The API server's own words; its answer holds no secret of ours. */
function apiMessage(error: ApiException<unknown>): string {
  const body: unknown = typeof error.body === "string" ? parseJson(error.body) : error.body;
  const message = typeof body === "object" && body !== null && "message" in body ? String(body.message) : "";
  return message === "" ? `the cluster answered ${error.code}` : message;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
