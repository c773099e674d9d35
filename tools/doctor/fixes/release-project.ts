import type { Fix } from "./fix.ts";

/** A project that may use a runner but should not, or not yet. */
export interface EnabledProject {
  readonly runnerId: number;
  /** Id or full path. */
  readonly project: string;
  /** The configuration names it, so that `pulumi up` enables it again. */
  readonly isConfigured: boolean;
}

/**
 * GitLab refuses to enable a runner twice (`400 runner_error`), so `pulumi up` fails each time after it was done
 * by hand. Source: https://docs.gitlab.com/api/runners/#assign-a-runner-to-project
 */
export function releaseProject({ runnerId, project, isConfigured }: EnabledProject, apiUrl: string): Fix {
  const path = `projects/${encodeURIComponent(project)}/runners/${runnerId}`;
  return {
    id: `release project ${project}`,
    stage: "gitlab",
    title: isConfigured
      ? `Remove runner #${runnerId} from the project ${project}, where it was enabled by hand; pulumi up enables it again.`
      : `Remove runner #${runnerId} from the project ${project}, which is not in the configuration.`,
    commands: [`curl --request DELETE --header "PRIVATE-TOKEN: $GITLAB_TOKEN" ${apiUrl}/${path}`],
    certain: isConfigured,
    ...(isConfigured ? { thenDeploy: true as const } : {}),
    run: ({ gitlab }) => gitlab.releaseProject(project, runnerId),
  };
}
