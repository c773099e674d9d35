import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import { onPath } from "../tools/on-path.ts";
import { UserError } from "../tools/user-error.ts";
import { kubeconfigFile } from "./cluster.ts";
import { gitlabUrl } from "./environment.ts";
import type { JobRequest } from "./gitlab/control-schemas.ts";
import { EmulatorControl } from "./gitlab/control.ts";
import { appendPodLog } from "./kwok/kwok-config.ts";
import { startRunnerManager } from "./manager/run-job.ts";
import { ownProject } from "./places.ts";
import type { Sandbox } from "./sandbox.ts";
import { stackOutputs } from "./stack.ts";

const lines = z.union([z.string().transform((line) => [line]), z.array(z.string())]);
const cache = z.strictObject({
  key: z.string().default("default"),
  paths: z.array(z.string()),
  policy: z.enum(["pull", "push", "pull-push"]).optional(),
});

/** A job as in `.gitlab-ci.yml`, with the keywords that need no repository. */
const ciJob = z.strictObject({
  stage: z.string().optional(),
  image: z.union([z.string(), z.object({ name: z.string() }).transform(({ name }) => name)]).optional(),
  tags: z.array(z.string()).optional(),
  variables: z.record(z.string(), z.coerce.string()).optional(),
  cache: z.union([cache.transform((entry) => [entry]), z.array(cache)]).optional(),
  before_script: lines.optional(),
  script: lines,
  after_script: lines.optional(),
});

/**
 * Reads a `.gitlab-ci.yml` with one job.
 * @throws UserError naming what the file has wrong
 */
export function readJob(file: string, projectId: number): JobRequest {
  const wrong = (what: string) =>
    new UserError(
      `${file}: ${what}\nIt must be a .gitlab-ci.yml with exactly one job, such as sandbox/jobs/cache.gitlab-ci.yml. ` +
        `Keywords: ${Object.keys(ciJob.shape).join(", ")}.`,
    );
  let content: unknown;
  try {
    content = parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw wrong(error instanceof YAMLParseError ? `is not YAML: ${error.message}` : String(error));
  }
  const jobs = Object.entries(content ?? {}) as [string, unknown][];
  const [job] = jobs;
  if (job === undefined || jobs.length > 1) {
    throw wrong(`has ${jobs.length} jobs`);
  }
  const [name, definition] = job;
  const parsed = ciJob.safeParse(definition);
  if (!parsed.success) {
    throw wrong(`job ${name}: ${z.prettifyError(parsed.error)}`);
  }
  const { before_script: before = [], script, after_script: afterScript, ...rest } = parsed.data;
  // As on the default branch of a project, which is protected unless its owner changes that.
  return { ...rest, projectId, name, script: [...before, ...script], afterScript, protected: true };
}

/** Where a manager is deployed: namespace and name of its Helm release. */
export interface DeployedManager {
  readonly namespace: string;
  readonly release: string;
}

/**
 * Where the sandbox's stack has deployed its manager.
 * @throws UserError when nothing is deployed
 */
export async function deployedManager({ folder, state }: Sandbox): Promise<DeployedManager> {
  const outputs = await stackOutputs(folder, state);
  if (outputs === undefined) {
    throw new UserError("Nothing is deployed, so there is no runner. Deploy: npm run sandbox");
  }
  return managerOf(outputs);
}

/** @returns where a stack with these outputs has deployed its manager */
export function managerOf(outputs: Readonly<Record<string, unknown>>): DeployedManager {
  return { namespace: String(outputs["namespace"]), release: (outputs["release"] as { name: string }).name };
}

/**
 * Gives GitLab a job and lets a deployed runner do it; passes its trace on as it grows.
 * @returns whether the job succeeded
 * @throws UserError when the job is not done within 10 minutes
 */
export async function runJob(
  { folder, state }: Sandbox,
  deployed: DeployedManager,
  file: string,
  write: (text: string) => void,
): Promise<boolean> {
  const request = readJob(file, ownProject.id);
  const control = new EmulatorControl(gitlabUrl(state), state.secrets["emulatorToken"] ?? "");
  // Queued first, so that the manager finds it when it first asks, and not a check interval later.
  const { id } = await control.addJob(request);
  const managerLog: string[] = [];
  const manager = await startRunnerManager({
    kubeconfig: kubeconfigFile(folder),
    ...deployed,
    stateDir: folder.path,
    binary: onPath("gitlab-runner"),
    log: (line) => {
      managerLog.push(line);
      appendPodLog(folder.path, line);
    },
  }).catch(async (error: unknown) => {
    await control.cancelJob(id);
    throw error;
  });
  try {
    write(
      manager.kind === "gitlab-runner"
        ? `Runner manager: gitlab-runner ${manager.version}, from your PATH\n`
        : "Runner manager: the sandbox's minimal one; with gitlab-runner on PATH it would be that\n",
    );
    if (manager.kind === "gitlab-runner" && !state.runnerHelper) {
      write(
        "Its caches will fail: it needs /usr/bin/gitlab-runner-helper, which the sandbox can lay over this machine's /usr/bin\n" +
          "only where gitlab-runner is on PATH when it starts, and where `unshare --mount` may be used.\n",
      );
    }
    if (manager.kind === "gitlab-runner" && state.minioTls) {
      write(
        "Its caches will fail: this MinIO has a certificate of the sandbox's own, and what job pods mount, the authority among it,\n" +
          "a simulated pod has not.\n",
      );
    }
    const deadline = Date.now() + 10 * 60_000;
    let written = 0;
    for (;;) {
      const job = await control.job(id);
      write(job.trace.slice(written));
      written = job.trace.length;
      if (["success", "failed", "canceled"].includes(job.status)) {
        return job.status === "success";
      }
      if (Date.now() > deadline) {
        throw new UserError(
          `Job ${id} is still ${job.status} after 10 minutes. The manager's log ends with:\n${managerLog.slice(-10).join("\n")}`,
        );
      }
      await sleep(200);
    }
  } finally {
    await manager.stop();
  }
}
