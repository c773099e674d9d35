/** A call of the runner's to Kubernetes. */
export interface RunnerCall {
  /** The permission that it needs: `create pods`. */
  readonly right: string;
  /** Another one that it needs: https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/ (AuthorizePodWebsocketUpgradeCreatePermission) */
  readonly alsoNeeds?: string;
  readonly method: string;
  /** Below the namespace. */
  readonly path: string;
  readonly body?: object;
}

/**
 * Every call that runner 18.9 makes for a job, in its order; some only with a feature flag, which any job may set, or where what
 * it creates is there already. Its source has a comment at each: https://gitlab.com/gitlab-org/gitlab-runner/-/tree/v18.9.0/executors/kubernetes
 * @param job the name of all that it makes
 */
export function runnerCalls(job: string): RunnerCall[] {
  const metadata = { name: job };
  const account = "gitlab-runner-job";
  const pod = { serviceAccountName: account, containers: [{ name: "build", image: "alpine" }] };
  const session = "container=build&command=sh&stdin=true&stdout=true";
  return [
    { right: "get serviceaccounts", method: "GET", path: `serviceaccounts/${account}` },
    { right: "create secrets", method: "POST", path: "secrets", body: { metadata } },
    { right: "get secrets", method: "GET", path: `secrets/${job}` },
    { right: "list pods", method: "GET", path: "pods?limit=1" },
    { right: "watch pods", method: "GET", path: "pods?watch=true" },
    { right: "create pods", method: "POST", path: "pods", body: { metadata, spec: pod } },
    { right: "get pods", method: "GET", path: `pods/${job}` },
    // It then names the pod as owner of the Secret.
    { right: "update secrets", method: "PUT", path: `secrets/${job}`, body: { metadata } },
    { right: "create services", method: "POST", path: "services", body: { metadata, spec: { ports: [{ port: 80 }] } } },
    { right: "get services", method: "GET", path: `services/${job}` },
    { right: "list events", method: "GET", path: "events?limit=1" },
    { right: "watch events", method: "GET", path: "events?watch=true" },
    // By SPDY, as the runner does, and by WebSocket, as its terminals do, and Kubernetes' own clients by now. Kubernetes decides
    // about the permission before it asks for either.
    { right: "create pods/attach", method: "POST", path: `pods/${job}/attach?${session}` },
    { right: "get pods/attach", alsoNeeds: "create pods/attach", method: "GET", path: `pods/${job}/attach?${session}` },
    { right: "create pods/exec", method: "POST", path: `pods/${job}/exec?${session}` },
    { right: "get pods/exec", alsoNeeds: "create pods/exec", method: "GET", path: `pods/${job}/exec?${session}` },
    { right: "get pods/log", method: "GET", path: `pods/${job}/log?container=build` },
    { right: "delete pods", method: "DELETE", path: `pods/${job}?gracePeriodSeconds=0` },
    { right: "delete secrets", method: "DELETE", path: `secrets/${job}` },
  ];
}
