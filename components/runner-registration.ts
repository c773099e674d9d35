import * as gitlab from "@pulumi/gitlab";
import * as pulumi from "@pulumi/pulumi";
import type { RegistrationArgs } from "./gitlab-runner-args.ts";
import { registrationSettings } from "./settings/registration.ts";

/** Inputs of {@link RunnerRegistration}. */
export interface RunnerRegistrationArgs extends RegistrationArgs {
  /** Change this to any other text to replace the runner and its token; the new ones are created before the old ones are deleted. @defaultValue none */
  readonly rotation?: pulumi.Input<string | undefined>;
}

const defaults = registrationSettings.parse({});

/** The runner in GitLab, and the projects that may use it. */
export class RunnerRegistration extends pulumi.ComponentResource {
  /** Id of the runner in GitLab. */
  readonly runnerId: pulumi.Output<number>;
  /** Authentication token, `glrt-…`; a secret. */
  readonly token: pulumi.Output<string>;
  /** Tags whose jobs the runner picks up. */
  readonly tags: pulumi.Output<string[]>;
  /** Additional projects that may use the runner, as configured. */
  readonly enabledProjects: pulumi.Output<string[]>;

  constructor(name: string, args: RunnerRegistrationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gitlab-runner:index:RunnerRegistration", name, args, opts);

    const runner = new gitlab.UserRunner(
      name,
      {
        runnerType: orElse(args.runnerType, defaults.runnerType).apply((type) => `${type}_type`),
        projectId: args.projectId,
        groupId: args.groupId,
        tagLists: orElse(args.tags, defaults.tags).apply((tags) => [...tags]),
        untagged: orElse(args.runUntagged, defaults.runUntagged),
        locked: orElse(args.locked, defaults.locked),
        paused: orElse(args.paused, defaults.paused),
        accessLevel: orElse(args.protectedOnly, defaults.protectedOnly).apply((protectedOnly) =>
          protectedOnly ? "ref_protected" : "not_protected",
        ),
        // Never undefined: the GitLab provider leaves a field unchanged if it is not set.
        description: orElse(args.description, ""),
        maintenanceNote: orElse(args.maintenanceNote, ""),
        maximumTimeout: args.maximumTimeout,
      },
      // GitLab shows a token once, when it creates the runner, so a new token needs a new runner:
      // https://docs.gitlab.com/api/users/#create-a-runner-linked-to-a-user. Never undefined: the engine does not treat a
      // trigger that is set for the first time as a change.
      { parent: this, replacementTrigger: orElse(args.rotation, "") },
    );
    this.runnerId = runner.id.apply(Number);
    this.token = pulumi.secret(runner.token);
    this.tags = runner.tagLists.apply((tags) => tags ?? []);
    this.#warnOfOldTimeout(args.maximumTimeout, runner);

    // GitLab refuses to delete a runner that is enabled for several projects:
    // https://docs.gitlab.com/api/runners/#delete-a-runner. Each enablement depends on the runner's id, so the engine deletes
    // all of them first.
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
   * The provider rejects 0 and leaves the limit unchanged if it is undefined, so an existing limit stays.
   * Source: https://registry.terraform.io/providers/gitlabhq/gitlab/latest/docs/resources/user_runner#maximum_timeout
   */
  #warnOfOldTimeout(wanted: RunnerRegistrationArgs["maximumTimeout"], runner: gitlab.UserRunner): void {
    pulumi.all([wanted, runner.maximumTimeout, runner.id]).apply(([maximumTimeout, seconds, id]) => {
      if (maximumTimeout === undefined && seconds !== undefined && seconds > 0) {
        void pulumi.log.warn(
          `GitLab ends the jobs of runner ${id} after ${seconds} seconds. maximumTimeout is not set, but GitLab's provider cannot remove that limit.\n` +
            '  Clear "Maximum job timeout" of the runner in GitLab, then run pulumi up --refresh,\n' +
            '  or replace the runner with one that has no limit: pulumi config set rotation "$(date +%F)" && pulumi up',
          this,
        );
      }
    });
  }
}

function orElse<T>(value: pulumi.Input<T | undefined>, fallback: pulumi.Input<T>): pulumi.Output<T> {
  return pulumi.all([value, fallback]).apply(([value, fallback]) => (value ?? fallback) as T);
}
