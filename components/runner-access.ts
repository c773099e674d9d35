import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** Inputs of {@link RunnerAccess}. */
export interface RunnerAccessArgs {
  /** Namespace of the runner manager. */
  readonly namespace: pulumi.Input<string>;
  /** Namespace of the job pods. @defaultValue the manager's */
  readonly jobNamespace?: pulumi.Input<string>;
  /** The release that uses the accounts; their names start with it. */
  readonly release: pulumi.Input<string>;
  /** Name of a ServiceAccount for the job pods that exists. A plain value, since it decides what is created. @defaultValue one of their own */
  readonly jobAccount?: string;
}

/**
 * What runner manager and jobs may do in Kubernetes. The manager may run pods in the jobs' namespace. The jobs have an
 * account of their own without any right: under the manager's, a CI job could read the runner's token (pitfall 8).
 */
export class RunnerAccess extends pulumi.ComponentResource {
  /** ServiceAccount of the runner manager; there only once it has its rights. */
  readonly managerAccount: pulumi.Output<string>;
  /** ServiceAccount of the job pods; one of their own has no rights, and no token is mounted. */
  readonly jobAccount: pulumi.Output<string>;

  constructor(name: string, args: RunnerAccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gitlab-runner:index:RunnerAccess", name, args, opts);
    const metadata = { name: args.release, namespace: args.jobNamespace ?? args.namespace };

    const manager = new k8s.core.v1.ServiceAccount(
      `${name}-manager`,
      { metadata: { name: args.release, namespace: args.namespace } },
      { parent: this },
    );
    const role = new k8s.rbac.v1.Role(`${name}-manager`, { metadata, rules: managerRules }, { parent: this });
    const binding = new k8s.rbac.v1.RoleBinding(
      `${name}-manager`,
      {
        metadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role.metadata.name },
        subjects: [{ kind: "ServiceAccount", name: manager.metadata.name, namespace: args.namespace }],
      },
      { parent: this },
    );
    // The binding's own output, so that whatever runs as the manager starts with its rights in place.
    this.managerAccount = pulumi
      .all([binding.subjects, manager.metadata.name])
      .apply(([subjects, account]) => subjects[0]?.name ?? account);
    this.jobAccount =
      args.jobAccount === undefined
        ? new k8s.core.v1.ServiceAccount(
            `${name}-job`,
            {
              metadata: { name: pulumi.interpolate`${args.release}-job`, namespace: metadata.namespace },
              automountServiceAccountToken: false,
            },
            { parent: this },
          ).metadata.name
        : pulumi.output(args.jobAccount);
    this.registerOutputs({ managerAccount: this.managerAccount, jobAccount: this.jobAccount });
  }
}

/**
 * The rights that the Kubernetes executor uses, and no more (pitfall 7).
 * Source: https://docs.gitlab.com/runner/executors/kubernetes/#configure-runner-api-permissions
 */
const managerRules = [
  { apiGroups: [""], resources: ["pods"], verbs: ["create", "delete", "get", "list", "watch"] },
  { apiGroups: [""], resources: ["pods/attach", "pods/exec"], verbs: ["create", "delete", "get", "patch"] },
  { apiGroups: [""], resources: ["pods/log"], verbs: ["get", "list"] },
  { apiGroups: [""], resources: ["secrets"], verbs: ["create", "delete", "get", "update"] },
  { apiGroups: [""], resources: ["serviceaccounts"], verbs: ["get"] },
  { apiGroups: [""], resources: ["services"], verbs: ["create", "get"] },
  { apiGroups: [""], resources: ["events"], verbs: ["list", "watch"] },
];
