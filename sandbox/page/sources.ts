import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { kubeconfigFile } from "../cluster.ts";
import { gitlabUrl, minioUrl } from "../environment.ts";
import { EmulatorControl } from "../gitlab/control.ts";
import { minioClient } from "../minio-client.ts";
import { SandboxFolder } from "../state.ts";
import { readCache } from "./cache-source.ts";
import { describeGitLab } from "./gitlab-source.ts";
import { describePods } from "./pods-source.ts";
import { secretFilter } from "./secret-filter.ts";
import { StackSource } from "./stack-source.ts";
import type { Sources } from "./watcher.ts";

/** What the page's server reads. */
export interface SandboxSources {
  readonly parts: Sources;
  /** All that the runner has sent of a job's log; rejects where there is no such job. */
  readonly trace: (jobId: number) => Promise<string>;
  /** Masks the sandbox's own secrets in a text. */
  readonly masked: (text: string) => string;
}

/**
 * Opens clients of a sandbox's servers, with what it has noted in its folder.
 * @throws UserError where the folder holds no sandbox
 */
export function openSources(path: string): SandboxSources {
  const folder = new SandboxFolder(path);
  const state = folder.read();
  if (state === undefined) {
    throw new Error(`there is no sandbox in ${path}`);
  }
  const { minioUser: _user, ...secrets } = state.secrets;
  const gitlab = new EmulatorControl(gitlabUrl(state), state.secrets["emulatorToken"] ?? "");
  const stack = new StackSource(folder, state);
  // Made when they are first read: they need files that the sandbox writes while it starts.
  let minio: ReturnType<typeof minioClient> | undefined;
  let kubernetes: CoreV1Api | undefined;
  return {
    parts: {
      gitlab: async () => describeGitLab(await gitlab.state()),
      pods: async () => {
        kubernetes ??= openKubernetes(kubeconfigFile(folder));
        return describePods((await kubernetes.listPodForAllNamespaces()).items);
      },
      cache: () => readCache((minio ??= minioClient(folder, state)), minioUrl(state)),
      stack: () => stack.read(),
    },
    trace: async (jobId) => (await gitlab.job(jobId)).trace,
    masked: secretFilter(Object.values(secrets)),
  };
}

function openKubernetes(file: string): CoreV1Api {
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromFile(file);
  return kubeconfig.makeApiClient(CoreV1Api);
}
