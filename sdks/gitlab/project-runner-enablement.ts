import * as pulumi from "@pulumi/pulumi";
import { withPluginVersion } from "./plugin-version.ts";

/** Inputs of {@link ProjectRunnerEnablement}; a change of either replaces it. */
export interface ProjectRunnerEnablementArgs {
  /** Id or full path of the project that may use the runner. */
  readonly project: pulumi.Input<string>;
  /** Id of the runner. */
  readonly runnerId: pulumi.Input<number>;
}

/** Lets one more project use an existing project runner. */
export class ProjectRunnerEnablement extends pulumi.CustomResource {
  declare readonly project: pulumi.Output<string>;
  declare readonly runnerId: pulumi.Output<number>;

  constructor(name: string, args: ProjectRunnerEnablementArgs, opts?: pulumi.CustomResourceOptions) {
    super("gitlab:index/projectRunnerEnablement:ProjectRunnerEnablement", name, { ...args }, withPluginVersion(opts));
  }
}
