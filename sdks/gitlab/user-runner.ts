import * as pulumi from "@pulumi/pulumi";
import { withPluginVersion } from "./plugin-version.ts";

/** Inputs of {@link UserRunner}. */
export interface UserRunnerArgs {
  /** `instance_type`, `group_type` or `project_type`. */
  readonly runnerType: pulumi.Input<string>;
  /** Project of a `project_type` runner. */
  readonly projectId?: pulumi.Input<number | undefined>;
  /** Group of a `group_type` runner. */
  readonly groupId?: pulumi.Input<number | undefined>;
  /** `not_protected`, or `ref_protected` for jobs on protected branches and tags only. */
  readonly accessLevel?: pulumi.Input<string | undefined>;
  /** What GitLab shows as the runner's name. */
  readonly description?: pulumi.Input<string | undefined>;
  /** Keep the runner from being enabled for further projects. */
  readonly locked?: pulumi.Input<boolean | undefined>;
  /** Note for administrators, 1,024 characters at most. */
  readonly maintenanceNote?: pulumi.Input<string | undefined>;
  /** Longest time that a job may run, in seconds, at least 600. */
  readonly maximumTimeout?: pulumi.Input<number | undefined>;
  /** Ignore new jobs. */
  readonly paused?: pulumi.Input<boolean | undefined>;
  /** Tags whose jobs the runner picks up. */
  readonly tagLists?: pulumi.Input<pulumi.Input<string>[] | undefined>;
  /** Pick up jobs without tags. */
  readonly untagged?: pulumi.Input<boolean | undefined>;
}

/** A runner that is created in GitLab by a user, with its authentication token. */
export class UserRunner extends pulumi.CustomResource {
  declare readonly accessLevel: pulumi.Output<string>;
  declare readonly description: pulumi.Output<string | undefined>;
  declare readonly groupId: pulumi.Output<number | undefined>;
  declare readonly locked: pulumi.Output<boolean>;
  declare readonly maintenanceNote: pulumi.Output<string | undefined>;
  declare readonly maximumTimeout: pulumi.Output<number | undefined>;
  declare readonly paused: pulumi.Output<boolean>;
  declare readonly projectId: pulumi.Output<number | undefined>;
  declare readonly runnerType: pulumi.Output<string>;
  declare readonly tagLists: pulumi.Output<string[] | undefined>;
  /** Authentication token, `glrt-…`; GitLab shows it only once, when the runner is created. */
  declare readonly token: pulumi.Output<string>;
  declare readonly untagged: pulumi.Output<boolean>;

  constructor(name: string, args: UserRunnerArgs, opts?: pulumi.CustomResourceOptions) {
    const secretToken = pulumi.mergeOptions(withPluginVersion(opts), { additionalSecretOutputs: ["token"] });
    super("gitlab:index/userRunner:UserRunner", name, { ...args, token: undefined }, secretToken);
  }
}
