import * as gitlab from "@pulumi/gitlab";
import * as pulumi from "@pulumi/pulumi";

/** What a runner serves: one project (and those it is enabled for), a group, or a whole GitLab instance. */
export type RunnerType = "project" | "group" | "instance";

/** Inputs of {@link RunnerRegistration}. */
export interface RunnerRegistrationArgs {
  /** What the runner serves. */
  readonly runnerType: pulumi.Input<RunnerType>;
  /** Id of the project that owns the runner; for `project` only, which needs it. @defaultValue none */
  readonly projectId?: pulumi.Input<number | undefined>;
  /** Id of the group that owns the runner; for `group` only, which needs it. @defaultValue none */
  readonly groupId?: pulumi.Input<number | undefined>;
  /**
   * Ids or full paths of the further projects that may use a project runner. A plain list, since each becomes a resource.
   * @defaultValue none
   */
  readonly extraProjects?: readonly (number | string)[];
  /** Tags whose jobs the runner picks up; may be empty with `runUntagged`. */
  readonly tags: pulumi.Input<pulumi.Input<string>[]>;
  /** Pick up jobs without tags. @defaultValue false */
  readonly runUntagged?: pulumi.Input<boolean>;
  /** Keep the runner from being enabled for further projects. @defaultValue false */
  readonly locked?: pulumi.Input<boolean>;
  /** Take no new jobs. @defaultValue false */
  readonly paused?: pulumi.Input<boolean>;
  /** Take jobs of protected branches and tags only. @defaultValue false */
  readonly protectedOnly?: pulumi.Input<boolean>;
  /** Name of the runner in GitLab. @defaultValue none */
  readonly description?: pulumi.Input<string | undefined>;
  /** Note for GitLab's administrators, 1,024 characters at most. @defaultValue none */
  readonly maintenanceNote?: pulumi.Input<string | undefined>;
  /** Longest time that a job may run, in seconds, at least 600. @defaultValue the project's own timeout */
  readonly maximumTimeout?: pulumi.Input<number | undefined>;
  /** Change it to any other value, and runner and token are replaced: the new before the old. @defaultValue none */
  readonly rotation?: pulumi.Input<string | undefined>;
}

/** The runner in GitLab, and the projects that may use it. */
export class RunnerRegistration extends pulumi.ComponentResource {
  /** Id of the runner in GitLab. */
  readonly runnerId: pulumi.Output<number>;
  /** Authentication token, `glrt-…`; a secret. */
  readonly token: pulumi.Output<string>;
  /** Tags whose jobs the runner picks up. */
  readonly tags: pulumi.Output<string[]>;
  /** The further projects that may use the runner, as configured. */
  readonly enabledProjects: pulumi.Output<string[]>;

  constructor(name: string, args: RunnerRegistrationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gitlab-runner:index:RunnerRegistration", name, args, opts);

    const runner = new gitlab.UserRunner(
      name,
      {
        runnerType: pulumi.interpolate`${args.runnerType}_type`,
        projectId: args.projectId,
        groupId: args.groupId,
        tagLists: args.tags,
        untagged: pulumi.output(args.runUntagged).apply((runUntagged) => runUntagged ?? false),
        locked: pulumi.output(args.locked).apply((locked) => locked ?? false),
        paused: pulumi.output(args.paused).apply((paused) => paused ?? false),
        accessLevel: pulumi
          .output(args.protectedOnly)
          .apply((protectedOnly) => (protectedOnly === true ? "ref_protected" : "not_protected")),
        // Never undefined: GitLab's provider keeps what was there before where it is told nothing.
        description: pulumi.output(args.description).apply((description) => description ?? ""),
        maintenanceNote: pulumi.output(args.maintenanceNote).apply((note) => note ?? ""),
        maximumTimeout: args.maximumTimeout,
      },
      // GitLab shows a token once, so a new token is a new runner (pitfall 5). Never undefined, since the engine takes the
      // first trigger that a resource gets for no change.
      { parent: this, replacementTrigger: pulumi.output(args.rotation).apply((rotation) => rotation ?? "") },
    );
    this.runnerId = runner.id.apply(Number);
    this.token = pulumi.secret(runner.token);
    this.tags = runner.tagLists.apply((tags) => tags ?? []);
    this.#warnOfOldTimeout(args.maximumTimeout, runner);

    // GitLab refuses to delete a runner that several projects use (pitfall 9). Each enablement needs the runner's id,
    // so the engine removes all of them before the runner.
    const enablements = (args.extraProjects ?? []).map(
      (project) =>
        new gitlab.ProjectRunnerEnablement(
          `${name}-${project}`,
          { project: String(project), runnerId: this.runnerId },
          { parent: this },
        ),
    );
    this.enabledProjects = pulumi.all(enablements.map((enablement) => enablement.project));

    this.registerOutputs({
      runnerId: this.runnerId,
      token: this.token,
      tags: this.tags,
      enabledProjects: this.enabledProjects,
    });
  }

  /**
   * The provider refuses 0 and takes undefined for "as it is", so a limit that GitLab has stays.
   * Source: https://registry.terraform.io/providers/gitlabhq/gitlab/latest/docs/resources/user_runner#maximum_timeout
   */
  #warnOfOldTimeout(wanted: RunnerRegistrationArgs["maximumTimeout"], runner: gitlab.UserRunner): void {
    pulumi.all([wanted, runner.maximumTimeout, runner.id]).apply(([maximumTimeout, seconds, id]) => {
      if (maximumTimeout === undefined && seconds !== undefined && seconds > 0) {
        void pulumi.log.warn(
          `GitLab ends the jobs of runner ${id} after ${seconds} seconds. maximumTimeout is not set, but GitLab's provider cannot remove that limit.\n` +
            '  Empty "Maximum job timeout" of the runner in GitLab, then run pulumi up --refresh,\n' +
            '  or make a new runner without the limit: pulumi config set rotation "$(date +%F)" && pulumi up',
          this,
        );
      }
    });
  }
}
