import * as pulumi from "@pulumi/pulumi";
import { GitLabRunner } from "../../components/gitlab-runner.ts";
import type { CacheArgs, ChartArgs } from "../../components/gitlab-runner-args.ts";

const config = new pulumi.Config();
const projectId = config.requireNumber("projectId");
const shared = {
  gitlabUrl: config.get("gitlabUrl"),
  cache: config.getObject<CacheArgs>("cache"),
  chart: config.getObject<ChartArgs>("chart"),
};

// Each has its own namespace, release, bucket and keys, all named after it.
const linux = new GitLabRunner("linux-runner", {
  ...shared,
  registration: { runnerType: "project", projectId, tags: ["linux"], runUntagged: true },
});

const gpu = new GitLabRunner("gpu-runner", {
  ...shared,
  registration: { runnerType: "project", projectId, tags: ["gpu"], maximumTimeout: 4 * 3600 },
  namespace: "gpu-jobs",
  manager: { concurrent: 1 },
  jobs: {
    image: "nvidia/cuda:12.9.1-base-ubuntu24.04",
    runtimeClassName: "nvidia",
    nodeSelector: { "nvidia.com/gpu.present": "true" },
    tolerations: [{ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" }],
  },
});

export const linuxRunner = { page: linux.runnerPage, tags: linux.runnerTags, namespace: linux.namespace };
export const gpuRunner = { page: gpu.runnerPage, tags: gpu.runnerTags, namespace: gpu.namespace };
