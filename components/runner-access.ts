import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** Inputs of {@link RunnerAccess}. */
export interface RunnerAccessArgs {
  /** Namespace of the runner manager. */
  readonly namespace: pulumi.Input<string>;
  /** Namespace of the job pods. @defaultValue the manager's */
  readonly jobNamespace?: pulumi.Input<string>;
  /** Name of the Helm release that uses the accounts; their names start with it. */
  readonly release: pulumi.Input<string>;
  /** Name of an existing ServiceAccount for the job pods. A plain value, since it decides what is created. @defaultValue a dedicated one */
  readonly jobAccount?: string;
}

/**
 * Permissions of the runner manager and the jobs in Kubernetes. The manager may run pods in the jobs' namespace. The jobs
 * have their own account, which has no permissions: under the manager's, any CI job could read the Secret with the runner's
 * token.
 */
export class RunnerAccess extends pulumi.ComponentResource {
  /** ServiceAccount of the runner manager; available only after its permissions are in place. */
  readonly managerAccount: pulumi.Output<string>;
  /** ServiceAccount of the job pods; the dedicated one has no permissions, and its token is not mounted. */
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
    // An Output of the RoleBinding, so that whatever runs as the manager waits for its permissions.
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
 * The permissions that the Kubernetes executor uses, and no others.
 * Source: https://docs.gitlab.com/runner/executors/kubernetes/#configure-runner-api-permissions, less `delete` and `patch` of
 * pods/attach and pods/exec, and `list` of pods/log: Kubernetes has no such calls.
 * https://github.com/kubernetes/kubernetes/blob/master/pkg/registry/core/pod/rest/subresources.go
 */
const managerRules = [
  { apiGroups: [""], resources: ["pods"], verbs: ["create", "delete", "get", "list", "watch"] },
  { apiGroups: [""], resources: ["pods/attach", "pods/exec"], verbs: ["create", "get"] },
  { apiGroups: [""], resources: ["pods/log"], verbs: ["get"] },
  { apiGroups: [""], resources: ["secrets"], verbs: ["create", "delete", "get", "update"] },
  { apiGroups: [""], resources: ["serviceaccounts"], verbs: ["get"] },
  { apiGroups: [""], resources: ["services"], verbs: ["create", "get"] },
  { apiGroups: [""], resources: ["events"], verbs: ["list", "watch"] },
];
