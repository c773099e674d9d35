import type { Fix } from "./fix.ts";

/** A project that may use a runner, and should not, or not yet. */
export interface EnabledProject {
  readonly runnerId: number;
  /** Id or full path. */
  readonly project: string;
  /** The configuration names it, so that `pulumi up` enables it again. */
  readonly isConfigured: boolean;
}

/**
 * GitLab refuses to enable a runner twice, with `400 runner_error`, so that `pulumi up` fails for ever where someone has done it
 * by hand. Source: https://docs.gitlab.com/api/runners/#assign-a-runner-to-project
 */
export function releaseProject({ runnerId, project, isConfigured }: EnabledProject, apiUrl: string): Fix {
  const path = `projects/${encodeURIComponent(project)}/runners/${runnerId}`;
  return {
    id: `release project ${project}`,
    stage: "gitlab",
    title: isConfigured
      ? `Take runner #${runnerId} off the project ${project}, where it was enabled by hand; pulumi up enables it again.`
      : `Take runner #${runnerId} off the project ${project}, which the configuration does not name.`,
    commands: [`curl --request DELETE --header "PRIVATE-TOKEN: $GITLAB_TOKEN" ${apiUrl}/${path}`],
    certain: isConfigured,
    ...(isConfigured ? { thenDeploy: true as const } : {}),
    run: ({ gitlab }) => gitlab.releaseProject(project, runnerId),
  };
}
