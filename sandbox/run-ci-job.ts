import { setTimeout as sleep } from "node:timers/promises";
import { kubeconfigFile } from "./cluster.ts";
import type { DeployedManager } from "./deployed-manager.ts";
import { gitlabUrl } from "./environment.ts";
import { UserError } from "../tools/user-error.ts";
import { EmulatorControl } from "./gitlab/control.ts";
import { appendPodLog } from "./kwok/kwok-config.ts";
import { startRunnerManager } from "./manager/runner-manager.ts";
import { standInLimits } from "./manager/stand-in-manager.ts";
import { ownProject } from "./gitlab-seed.ts";
import { onPath } from "../tools/on-path.ts";
import { readCiJob } from "./read-ci-job.ts";
import type { Sandbox } from "./sandbox.ts";

/**
 * Queues a job in GitLab, lets the deployed runner run it, and shows its log while it grows.
 * @returns whether the job succeeded
 * @throws UserError if the job is not finished within 10 minutes
 */
export async function runCiJob(
  { folder, state }: Sandbox,
  deployed: DeployedManager,
  file: string,
  write: (text: string) => void,
): Promise<boolean> {
  const request = readCiJob(file, ownProject.id);
  const control = new EmulatorControl(gitlabUrl(state), state.secrets["emulatorToken"] ?? "");
  // Queued first, so that the manager's first request finds it, and not one a check interval later.
  const { id } = await control.addJob(request);
  const managerLog: string[] = [];
  const manager = await startRunnerManager({
    kubeconfig: kubeconfigFile(folder),
    ...deployed,
    stateDir: folder.path,
    kubectl: folder.file("bin", "kubectl"),
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
    if (manager.version === undefined) {
      write(
        `Runner manager: the sandbox's stand-in. If gitlab-runner is on PATH, the sandbox uses it instead.\n${standInLimits}\n`,
      );
    } else {
      write(`Runner manager: gitlab-runner ${manager.version}, from your PATH\n`);
      if (!state.runnerHelper) {
        write(
          "Its caches will fail: it needs /usr/bin/gitlab-runner-helper, which the sandbox can provide only if\n" +
            "gitlab-runner is on PATH when the sandbox starts, and `unshare --mount` is allowed.\n",
        );
      }
      if (state.minioTls) {
        write(
          "Its caches will fail: the sandbox's own CA signed this MinIO's certificate. Job pods mount the CA's certificate, but\n" +
            "simulated pods have no mounts.\n",
        );
      }
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
