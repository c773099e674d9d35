/** A job's pod whose time is over: what a manager leaves behind that is killed in the middle of a job. */
export const orphanedJobPod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "runner-abc-project-1-concurrent-0-x1",
    labels: { "job.runner.gitlab.com/pod": "runner-abc-project-1-concurrent-0" },
    annotations: { "job.runner.gitlab.com/timeout": "1s" },
  },
  spec: { containers: [{ name: "build", image: "alpine" }] },
};
