import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { linkerdAnnotations, linkerdLabels } from "./linkerd.ts";
import type { NetworkPolicySpec } from "./network-policies.ts";
import type { PodSecurityLevel } from "./settings/namespace.ts";
import type { ContainerResources } from "./settings/resources.ts";

/** Inputs of {@link RunnerNamespace}. */
export interface RunnerNamespaceArgs {
  /** Name of the namespace to create. */
  readonly name: pulumi.Input<string>;
  /** Pod Security level that its pods must meet. @defaultValue `baseline` */
  readonly podSecurity?: pulumi.Input<PodSecurityLevel>;
  /** Inject Linkerd's proxy into the pods. @defaultValue false */
  readonly linkerd?: pulumi.Input<boolean>;
  /** Total resources that all pods may use (ResourceQuota), such as `{"requests.cpu": "8"}`. A plain value, since a resource depends on it. @defaultValue none */
  readonly quota?: Readonly<Record<string, string>>;
  /** Default resources of containers that specify none; with a quota, Kubernetes rejects pods without them. @defaultValue none */
  readonly containerDefaults?: pulumi.Input<ContainerResources>;
  /** NetworkPolicies by name. A plain record, since each policy is a resource. @defaultValue none */
  readonly networkPolicies?: Readonly<Record<string, pulumi.Input<NetworkPolicySpec>>>;
  /** Seconds that pods may take to stop when the namespace is deleted. @defaultValue 3600 */
  readonly shutdownTimeout?: number;
}

/** The namespace that the runner manager and its job pods live in. */
export class RunnerNamespace extends pulumi.ComponentResource {
  /** Name of the namespace; resources that use it wait for the namespace. */
  readonly name: pulumi.Output<string>;

  constructor(name: string, args: RunnerNamespaceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gitlab-runner:index:RunnerNamespace", name, args, opts);

    const linkerd = pulumi.output(args.linkerd);
    const podSecurity = pulumi.output(args.podSecurity).apply((level) => level ?? "baseline");
    const namespace = new k8s.core.v1.Namespace(
      name,
      {
        metadata: {
          name: args.name,
          labels: pulumi.all([podSecurity, linkerd]).apply(([level, injected]) => ({
            "pod-security.kubernetes.io/enforce": level,
            ...(injected === true ? linkerdLabels : {}),
          })),
          annotations: linkerd.apply((injected) => (injected === true ? { ...linkerdAnnotations } : {})),
        },
      },
      // Kubernetes deletes a namespace only after its last pod has stopped, and a manager with running jobs may use its whole
      // grace period: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
      { parent: this, customTimeouts: { delete: `${(args.shutdownTimeout ?? 3600) + 300}s` } },
    );
    this.name = namespace.metadata.name;

    const inside = (objectName: string) => ({
      metadata: { name: objectName, namespace: this.name },
    });
    if (args.quota !== undefined && Object.keys(args.quota).length > 0) {
      new k8s.core.v1.ResourceQuota(
        `${name}-quota`,
        { ...inside("gitlab-runner"), spec: { hard: args.quota } },
        { parent: this },
      );
    }
    if (args.containerDefaults !== undefined) {
      const { requests, limits } = pulumi.output(args.containerDefaults);
      new k8s.core.v1.LimitRange(
        `${name}-defaults`,
        {
          ...inside("gitlab-runner"),
          spec: { limits: [{ type: "Container", defaultRequest: requests, default: limits }] },
        },
        { parent: this },
      );
    }
    for (const [policy, spec] of Object.entries(args.networkPolicies ?? {})) {
      new k8s.networking.v1.NetworkPolicy(`${name}-${policy}`, { ...inside(policy), spec }, { parent: this });
    }

    this.registerOutputs({ name: this.name });
  }
}
