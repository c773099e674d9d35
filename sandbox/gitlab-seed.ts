import type { EmulatorSeed } from "./gitlab/seed.ts";
import type { SandboxState } from "./sandbox-folder.ts";
import type { StackValues } from "./stack-file.ts";

/** The project of the emulated GitLab that owns the homelab's runner. */
export const ownProject = { id: 75488734, path: "homelab/infrastructure" };

/** A project that the homelab's runner can be enabled for. */
export const otherProject = { id: 75488735, path: "homelab/website" };

/** The group of both projects. */
export const ownGroup = { id: 8800, path: "homelab" };

/** @returns the initial content of the emulated GitLab: the group, the projects, and access tokens */
export function gitlabSeed({ secrets }: SandboxState, values: StackValues): EmulatorSeed {
  return {
    controlToken: secrets["emulatorToken"] ?? "",
    accessTokens: [
      {
        token: secrets["gitlabToken"] ?? "",
        username: "homelab",
        scopes: ["api"],
        // Only administrators can create instance runners.
        admin: values["gitlab-runner:runnerType"] === "instance",
      },
    ],
    projects: [ownProject, otherProject],
    groups: [ownGroup],
  };
}
