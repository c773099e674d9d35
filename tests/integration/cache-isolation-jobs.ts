import { kubeconfigFile } from "../../sandbox/cluster.ts";
import { managerOf } from "../../sandbox/deployed-manager.ts";
import { gitlabUrl } from "../../sandbox/environment.ts";
import { EmulatorControl } from "../../sandbox/gitlab/control.ts";
import type { JobRequest } from "../../sandbox/gitlab/control-schemas.ts";
import { startRunnerManager } from "../../sandbox/manager/runner-manager.ts";
import { SandboxFolder } from "../../sandbox/sandbox-folder.ts";
import type { SandboxUnderTest } from "./sandbox-under-test.ts";

/** A job with a cache, and its name, which it leaves there. */
export interface CacheJob {
  readonly name: string;
  readonly project: number;
  readonly isProtected: boolean;
  readonly key: string;
  readonly unprotect?: boolean;
}

/** How a job has ended. */
export interface JobEnd {
  readonly status: string;
  readonly trace: string;
}

/** Queues jobs, and lets the deployed manager run them, one after the other. */
export async function runJobs(sandbox: SandboxUnderTest, jobs: readonly JobRequest[]): Promise<JobEnd[]> {
  const folder = new SandboxFolder(sandbox.path);
  const control = new EmulatorControl(gitlabUrl(sandbox.state), sandbox.state.secrets["emulatorToken"] ?? "");
  const queued: number[] = [];
  for (const job of jobs) {
    queued.push((await control.addJob({ tags: ["kubernetes"], ...job })).id);
  }
  const manager = await startRunnerManager({
    kubeconfig: kubeconfigFile(folder),
    ...managerOf(await sandbox.outputs()),
    stateDir: folder.path,
    kubectl: folder.file("bin", "kubectl"),
    log: () => undefined,
  });
  try {
    const ended: JobEnd[] = [];
    for (const id of queued) {
      ended.push(await endOf(control, id));
    }
    return ended;
  } finally {
    await manager.stop();
  }
}

async function endOf(control: EmulatorControl, id: number): Promise<JobEnd> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const { status, trace } = await control.job(id);
    if (["success", "failed", "canceled"].includes(status)) {
      return { status, trace };
    }
    if (Date.now() > deadline) {
      throw new Error(`job ${id} is still ${status}:\n${trace}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** @returns what each job has found in its cache: the name of the job that left it, or `nothing` */
export async function foundInCache(sandbox: SandboxUnderTest, jobs: readonly CacheJob[]): Promise<string[]> {
  const ended = await runJobs(
    sandbox,
    jobs.map(({ name, project, isProtected, key, unprotect = false }) => ({
      ...{ name, projectId: project, protected: isProtected },
      cache: [{ key, paths: ["kept"], unprotect }],
      script: [
        'echo "found: $(cat kept/by 2>/dev/null || echo nothing)"',
        "mkdir -p kept",
        'echo "$CI_JOB_NAME" > kept/by',
      ],
    })),
  );
  return ended.map(({ status, trace }) => {
    const [, found] = /^found: (.+)$/m.exec(trace.replaceAll("\r", "")) ?? [];
    if (status !== "success" || found === undefined) {
      throw new Error(`a job ended with ${status}:\n${trace}`);
    }
    return found;
  });
}
