// What kwok does to nodes and pods, as its configuration objects. The `statusTemplate`s are Go templates that render
// YAML; Now, NodeIP, NodePort and the like are kwok's functions.

const apiVersion = "kwok.x-k8s.io/v1alpha1";

interface Requirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}

function stage(name: string, kind: "Node" | "Pod", when: readonly Requirement[], rest: object): object {
  return {
    apiVersion: apiVersion,
    kind: "Stage",
    metadata: { name },
    spec: { resourceRef: { apiGroup: "v1", kind }, selector: { matchExpressions: when }, ...rest },
  };
}

const readyCondition = '.status.conditions.[] | select( .type == "Ready" ) | .status';

const nodeConditions = `
{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ or $.metadata.creationTimestamp $now | Quote }}
{{ end }}
`;

// No Hostname: API servers prefer it to the IP for exec and logs, and DNS does not know a simulated node.
const nodeAddress = `
addresses:
- type: InternalIP
  address: {{ NodeIP | Quote }}
daemonEndpoints:
  kubeletEndpoint:
    Port: {{ NodePort }}
`;

const nodeInfo = `
{{ $version := printf "kwok-%s" Version }}
nodeInfo:
  architecture: {{ index .metadata.labels "kubernetes.io/arch" | Quote }}
  operatingSystem: linux
  bootID: ""
  machineID: ""
  systemUUID: ""
  osImage: ""
  containerRuntimeVersion: {{ $version | Quote }}
  kernelVersion: {{ $version | Quote }}
  kubeProxyVersion: {{ $version | Quote }}
  kubeletVersion: {{ $version | Quote }}
phase: Running
`;

/** Makes a new node Ready and renews its conditions (kwok itself renews the lease). */
export function nodeStages(): object[] {
  return [
    stage("node-ready", "Node", [{ key: readyCondition, operator: "NotIn", values: ["True"] }], {
      next: { statusTemplate: nodeConditions + nodeAddress + nodeInfo },
    }),
    stage("node-heartbeat", "Node", [{ key: readyCondition, operator: "In", values: ["True"] }], {
      delay: { durationMilliseconds: 60_000, jitterDurationMilliseconds: 90_000 },
      next: { statusTemplate: nodeConditions + nodeAddress },
    }),
  ];
}

const podRunning = `
{{ $now := Now }}
phase: Running
startTime: {{ $now | Quote }}
conditions:
{{ range list "PodReadyToStartContainers" "Initialized" "ContainersReady" "Ready" }}
- type: {{ . }}
  status: "True"
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  started: true
  restartCount: 0
  state: { running: { startedAt: {{ $now | Quote }} } }
{{ end }}
{{ if .spec.initContainers }}
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  restartCount: 0
  {{ if eq .restartPolicy "Always" }}
  started: true
  state: { running: { startedAt: {{ $now | Quote }} } }
  {{ else }}
  state: { terminated: { exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }} } }
  {{ end }}
{{ end }}
{{ end }}
hostIP: {{ NodeIP | Quote }}
{{ with PodIPsWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}
podIP: {{ index . 0 | Quote }}
podIPs:
{{ range . }}
- ip: {{ . | Quote }}
{{ end }}
{{ end }}
`;

const podCompleted = `
{{ $now := Now }}
phase: Succeeded
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: false
  started: false
  restartCount: 0
  state: { terminated: { exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }} } }
{{ end }}
`;

/** Pods become Running and Ready as soon as they are scheduled, those of a Job complete at once, deleted ones disappear. */
export function podStages(): object[] {
  const alive: Requirement = { key: ".metadata.deletionTimestamp", operator: "DoesNotExist" };
  return [
    stage("pod-ready", "Pod", [alive, { key: ".status.phase", operator: "In", values: ["Pending"] }], {
      next: { statusTemplate: podRunning },
    }),
    stage(
      "pod-complete",
      "Pod",
      [
        alive,
        { key: ".status.phase", operator: "In", values: ["Running"] },
        { key: ".metadata.ownerReferences.[].kind", operator: "In", values: ["Job"] },
      ],
      { next: { statusTemplate: podCompleted } },
    ),
    stage("pod-delete", "Pod", [{ ...alive, operator: "Exists" }], { next: { delete: true } }),
  ];
}

/**
 * Lets `kubectl logs` of any simulated pod show this file.
 * @param file - must exist.
 */
export function clusterLogs(file: string): object {
  return {
    apiVersion: apiVersion,
    kind: "ClusterLogs",
    metadata: { name: "on-this-machine" },
    spec: { logs: [{ logsFile: file, follow: false }] },
  };
}

/**
 * Lets `kubectl exec` in any simulated pod run its command on this machine.
 * @param folder - working directory, home and temporary folder of the command; must exist.
 * @param user - user and group id to run as; the sandbox's own without it.
 */
export function clusterExec(folder: string, user: number | undefined): object {
  return {
    apiVersion: apiVersion,
    kind: "ClusterExec",
    metadata: { name: "on-this-machine" },
    spec: {
      execs: [
        {
          local: {
            workDir: folder,
            envs: [
              { name: "HOME", value: folder },
              { name: "TMPDIR", value: folder },
            ],
            ...(user === undefined ? {} : { securityContext: { runAsUser: user, runAsGroup: user } }),
          },
        },
      ],
    },
  };
}

/**
 * Lets `kubectl port-forward` to a port of any simulated pod reach a server on this machine.
 * @param port - of the pods.
 * @param target - port on 127.0.0.1.
 */
export function clusterPortForward(port: number, target: number): object {
  return {
    apiVersion: apiVersion,
    kind: "ClusterPortForward",
    metadata: { name: "on-this-machine" },
    spec: { forwards: [{ ports: [port], target: { address: "127.0.0.1", port: target } }] },
  };
}
